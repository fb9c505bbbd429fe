import { flushCompileCache } from 'node:module';
import { COMPONENTS, kubelabCommand } from '../packages/cli/src/self.ts';

/**
 * Run while the image is built: loads every process's sources once, so that what Node strips and compiles stands in the image's
 * cache and no member does it again. Loading does nothing else: a main file acts only when it is the one that was started.
 */

/** What the processes load only when they come to need it. */
const LAZY = [
  '@kubelab/api/server',
  '@kubelab/pki',
  '@kubelab/rpc/client',
  'dockerode',
  'jose',
  'tar-stream',
  'yaml',
];

for (const component of COMPONENTS) await import(kubelabCommand([component]).args.at(-1) ?? '');
for (const name of LAZY) await import(name);
flushCompileCache();
