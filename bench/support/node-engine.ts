import { existsSync } from 'node:fs';
import Docker from 'dockerode';
import type { TestLab } from '../../tests/support/lab.ts';
import { descendants } from './processes.ts';

/** The engine inside a node, through the node's own file system. */
export async function nodeEngine(lab: TestLab, node: string): Promise<Docker> {
  const member = (await lab.status()).members.find(({ name }) => name === node);
  const pids = member?.pid === undefined ? [] : await descendants([member.pid]);
  for (const { pid, words } of pids) {
    const socketPath = `/proc/${pid}/root/run/docker.sock`;
    if (words[0]?.endsWith('dockerd') === true && existsSync(socketPath)) return new Docker({ socketPath });
  }
  throw new Error(`${node} has no engine`);
}

/** How to make containers just like those of a pod: pause and app. */
export interface PodRecipe {
  readonly sandboxId: string;
  readonly sandbox: Docker.ContainerCreateOptions;
  readonly app: Docker.ContainerCreateOptions;
}

/** What the kubelet made of a running pod, read from the engine. */
export async function recipeOf(engine: Docker, podName: string): Promise<PodRecipe> {
  const containers = await engine.listContainers();
  const find = async (prefix: string) => {
    const summary = containers.find(({ Names }) => Names[0]?.startsWith(`/${prefix}_${podName}_`));
    if (summary === undefined) throw new Error(`the engine has no container ${prefix}_${podName}`);
    return engine.getContainer(summary.Id).inspect();
  };
  const [sandbox, app] = [await find('k8s_POD'), await find('k8s_web')];
  return { sandboxId: sandbox.Id, sandbox: optionsOf(sandbox), app: optionsOf(app) };
}

/**
 * Without the labels, by which the kubelet would take them for its own, and without names that belong to the
 * sandbox.
 */
function optionsOf({ Config, HostConfig }: Docker.ContainerInspectInfo): Docker.ContainerCreateOptions {
  const { Hostname: _hostname, Domainname: _domain, Labels: _labels, ExposedPorts: _ports, ...rest } = Config;
  return { ...rest, HostConfig };
}

/**
 * Creates and starts both containers as the recipe says; milliseconds. They are removed afterwards, outside
 * the time.
 */
export async function createAndStart(engine: Docker, recipe: PodRecipe): Promise<number> {
  const startMs = performance.now();
  const sandbox = await engine.createContainer(recipe.sandbox);
  await sandbox.start();
  const appOptions = JSON.stringify(recipe.app).replaceAll(recipe.sandboxId, sandbox.id);
  const app = await engine.createContainer(JSON.parse(appOptions) as Docker.ContainerCreateOptions);
  await app.start();
  const tookMs = performance.now() - startMs;
  for (const container of [app, sandbox]) await container.remove({ force: true });
  return tookMs;
}
