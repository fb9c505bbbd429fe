import { errorMessage } from '@kubelab/component-base';
import type { WaitingReason } from '../core/container-status.ts';
import { ConfigError, containerEnv, envReferences, type KeyedObjects, secretTexts } from '../core/env.ts';
import { expand, expandAll } from '../core/expand.ts';
import { containerHash } from '../core/names.ts';
import type { StartAction } from '../core/plan-pod.ts';
import {
  containerResources,
  containerSecurity,
  namespaceOptions,
  nonRootProblem,
} from '../core/resources.ts';
import { type ContainerSpec, type PodObject, podIdentity } from '../core/types.ts';
import { ImageError } from '../images/image-manager.ts';
import type { ContainerRecord, ImageInfo, PodSandbox } from '../runtime/types.ts';
import type { VolumePaths } from '../volumes/volume-manager.ts';
import { fieldContext, type PodDeps } from './deps.ts';
import { runHandler } from './handlers.ts';

/** The container did not start; it waits with this reason until the next try. */
export class StartError extends Error {
  readonly waiting: WaitingReason;
  readonly retryAfterMs: number | undefined;
  /** The container was made before it failed. */
  readonly leavesContainer: boolean;
  constructor(reason: string, message: string, retryAfterMs?: number) {
    super(message);
    this.name = 'StartError';
    this.waiting = { reason, message };
    this.retryAfterMs = retryAfterMs;
    this.leavesContainer = reason === 'RunContainerError' || reason === 'PostStartHookError';
  }
}

/** Fetches what the container's environment names, so that it is at hand when the container is made. */
export async function fetchEnvObjects(
  deps: PodDeps,
  pod: PodObject,
  container: ContainerSpec,
): Promise<KeyedObjects> {
  const namespace = pod.metadata.namespace ?? '';
  const found = new Map<string, Readonly<Record<string, string>> | undefined>();
  await Promise.all(
    envReferences(container).map(async ({ kind, name }) => {
      const data =
        kind === 'ConfigMap'
          ? await deps.objects.configMap(namespace, name).then((object) => object && (object.data ?? {}))
          : await deps.objects.secret(namespace, name).then((object) => object && secretTexts(object.data));
      found.set(`${kind}/${name}`, data);
    }),
  );
  return (kind, name) => found.get(`${kind}/${name}`);
}

export interface StartInput {
  readonly pod: PodObject;
  readonly action: StartAction;
  readonly sandbox: PodSandbox;
  readonly volumes: VolumePaths;
  readonly image: Promise<ImageInfo>;
  readonly objects: Promise<KeyedObjects>;
}

/** Creates and starts one container. Throws `StartError`. */
export async function startContainer(deps: PodDeps, input: StartInput): Promise<ContainerRecord> {
  const { pod, action } = input;
  const { spec } = action.container;
  const config = await containerConfig(deps, input);
  let id: string;
  try {
    id = await deps.runtime.createContainer(input.sandbox.id, config);
  } catch (error) {
    throw failed(deps, pod, 'CreateContainerError', errorMessage(error));
  }
  deps.event(pod, 'Normal', 'Created', `Created container: ${spec.name}`);
  try {
    await deps.runtime.startContainer(id);
  } catch (error) {
    throw failed(deps, pod, 'RunContainerError', errorMessage(error));
  }
  const record = await deps.runtime.containerStatus(id);
  deps.event(pod, 'Normal', 'Started', `Started container ${spec.name}`);
  return record;
}

async function containerConfig(deps: PodDeps, input: StartInput) {
  const { pod, action, sandbox, volumes } = input;
  const { spec } = action.container;
  const { facts } = deps;
  let image: ImageInfo;
  try {
    image = await input.image;
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    deps.event(pod, 'Warning', 'Failed', `Error: ${error.reason}`);
    throw new StartError(error.reason, error.message, error.retryAfterMs);
  }
  try {
    const problem = nonRootProblem(pod, spec, image.user ?? '');
    if (problem !== undefined) throw new ConfigError(problem);
    const podIp = pod.spec.hostNetwork === true ? facts.hostIp : sandbox.ip;
    const env = containerEnv({
      container: spec,
      services: deps.serviceEnv(pod),
      objects: await input.objects,
      fields: fieldContext(facts, pod, podIp),
    });
    const mounts = await deps.volumes.mounts(pod, spec, volumes, (text) =>
      expand(text, (name) => env.get(name)),
    );
    return {
      pod: podIdentity(pod),
      name: spec.name,
      attempt: action.attempt,
      image: spec.image ?? image.id,
      hash: containerHash(spec),
      command: expandAll(spec.command, env),
      args: expandAll(spec.args, env),
      env: [...env].map(([name, value]) => `${name}=${value}`),
      workingDir: spec.workingDir,
      mounts: [...mounts, await deps.volumes.terminationLog(pod, spec, action.attempt)],
      stdin: spec.stdin ?? false,
      stdinOnce: spec.stdinOnce ?? false,
      tty: spec.tty ?? false,
      namespaces: namespaceOptions(pod),
      resources: containerResources(pod, spec, facts.allocatable['memory'] ?? 0),
      security: containerSecurity(pod, spec),
    };
  } catch (error) {
    throw failed(deps, pod, 'CreateContainerConfigError', errorMessage(error));
  }
}

function failed(deps: PodDeps, pod: PodObject, reason: string, message: string): StartError {
  deps.event(pod, 'Warning', 'Failed', `Error: ${message}`);
  return new StartError(reason, message);
}

const HOOK_TIMEOUT_MS = 60_000;

/** A hook that fails takes the container down: it is started anew by the restart policy. Throws `StartError`. */
export async function postStart(
  deps: PodDeps,
  { pod, action, sandbox }: StartInput,
  record: ContainerRecord,
): Promise<void> {
  const hook = action.container.spec.lifecycle?.postStart;
  if (hook === undefined) return;
  const target = { ...deps, containerId: record.id, container: action.container.spec, podIp: sandbox.ip };
  const { ok, output } = await runHandler(hook, target, HOOK_TIMEOUT_MS);
  if (ok) return;
  deps.event(pod, 'Warning', 'FailedPostStartHook', `PostStartHook failed: ${output}`);
  await deps.runtime.stopContainer(record.id, pod.spec.terminationGracePeriodSeconds ?? 30);
  throw new StartError('PostStartHookError', output);
}
