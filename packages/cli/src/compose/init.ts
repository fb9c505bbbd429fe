import { chown, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { runComponent } from '@kubelab/component-base';
import { labPkiPlan } from '../lab/pki-plan.ts';
import { composePlan } from './plan.ts';

const flags = {
  folder: {
    type: 'string',
    default: '/lab',
    description: 'where certificates, kubeconfigs and images are kept',
  },
  'api-port': { type: 'number', default: 6443, description: "the balancer's port on the host" },
  'owner-of': { type: 'string', description: 'a file whose owner is to own the kubeconfig' },
} as const;

/** The init service of `docker-compose.yml`: certificates and kubeconfigs of every member, made once. */
export function main(argv: readonly string[]): Promise<void> {
  return runComponent(
    {
      name: 'compose-init',
      summary: 'Makes the certificates and kubeconfigs of the compose lab, then ends.',
      flags,
      async start({ flags, log, clock }) {
        const { ensureLabPki } = await import('@kubelab/pki');
        const plan = composePlan(flags['api-port']);
        await ensureLabPki(flags.folder, labPkiPlan(plan), clock.now());
        await mkdir(join(flags.folder, 'images'), { recursive: true });
        if (flags['owner-of'] !== undefined) {
          const { uid, gid } = await stat(flags['owner-of']);
          // All of it: who started the lab is to use the kubeconfig, and to be able to remove the folder.
          const entries = await readdir(flags.folder, { recursive: true });
          for (const path of ['.', ...entries]) await chown(join(flags.folder, path), uid, gid);
        }
        log.info('lab folder is ready', { folder: flags.folder });
      },
    },
    argv,
  );
}

if (import.meta.main) await main(process.argv.slice(2));
