import { globSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { resolve } from 'node:path';

/**
 * Run while the image is built: loads every process's sources once, so that what Node strips and compiles stands in the image's
 * cache and no member does it again. Loading does nothing else: a main file acts only when it is the one that was started.
 */
const ROOT = resolve(import.meta.dirname, '..');
const MAINS = ['packages/*/src/main.ts', 'packages/cli/src/{node,images,compose}/{main,init}.ts'];
/** What the processes load only when they come to need it. */
const LAZY = [
  '@kubelab/api/server',
  '@kubelab/pki',
  '@kubelab/rpc/etcd',
  'dockerode',
  'jose',
  'tar-stream',
  'yaml',
];

for (const file of globSync(MAINS, { cwd: ROOT })) await import(resolve(ROOT, file));
for (const name of LAZY) await import(name);
flushCompileCache();
