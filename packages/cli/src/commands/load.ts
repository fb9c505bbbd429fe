import { spawn } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { UsageError } from '@kubelab/component-base';
import { membersOf } from '../core/plan.ts';
import { tryRun } from '../drivers/run.ts';
import { ImageStore } from '../images/store.ts';
import { type OpenLab, openLab } from '../lab/open.ts';
import { defineCommand } from './command.ts';

export const load = defineCommand({
  usage: 'load <image or tar>',
  summary:
    "Makes an image known to all nodes: one of the host's engine by its name, or a tar made by docker save.",
  flags: {},
  words: [1, 1],
  async run({ flags, words }) {
    const lab = await openLab(flags.name);
    const what = words[0] ?? '';
    const scratch = await mkdtemp(join(tmpdir(), 'kubelab-load-'));
    try {
      const archive = existsSync(what) ? what : await saveFromHost(what, join(scratch, 'image.tar'));
      const names = await new ImageStore(lab.folder.images).add(archive);
      await loadIntoNodes(lab, archive);
      process.stdout.write(`${names.join(', ')} loaded\n`);
      return 0;
    } finally {
      await rm(scratch, { recursive: true });
    }
  },
});

async function saveFromHost(image: string, path: string): Promise<string> {
  if ((await tryRun(['docker', 'save', '-o', path, image])) !== undefined) return path;
  throw new UsageError(
    `"${image}" is neither a file nor an image of the host's engine`,
    'docker images shows what the engine has',
  );
}

/** Into every engine that runs, so that `imagePullPolicy: Never` works too; nodes that come later ask the image server. */
async function loadIntoNodes(lab: OpenLab, archive: string): Promise<void> {
  const states = await lab.driver.status(lab);
  const running = membersOf(lab.plan, 'node').filter(({ name }) => states.get(name)?.state === 'running');
  if (lab.plan.driver === 'hollow') return;
  await Promise.all(
    running.map(async (node) => {
      const [command = '', ...args] = await lab.driver.dockerCommand(lab, node, ['load', '--quiet']);
      const child = spawn(command, args, { stdio: ['pipe', 'ignore', 'inherit'] });
      const ended = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
      // What goes wrong on the other side it says itself; here it is only a pipe that broke.
      await pipeline(createReadStream(archive), child.stdin).catch(() => undefined);
      if ((await ended) !== 0) throw new Error(`${node.name} did not take the image`);
    }),
  );
}
