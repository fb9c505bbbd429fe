import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { baseImage } from './base.ts';

/**
 * `npm run images`: builds the members' image. Where the engine cannot pull Node's image, a base is made from this machine's own files
 * and noted in `.env`, where `docker-compose` finds it.
 */
const ROOT = resolve(import.meta.dirname, '..');
const [image = 'kubelab:latest'] = process.argv.slice(2);

const base = await baseImage();
if (base !== undefined) await writeFile(join(ROOT, '.env'), `NODE_BASE=${base}\n`);
const argument = base === undefined ? [] : ['--build-arg', `NODE_BASE=${base}`];
const code = await new Promise<number>((done) => {
  const child = spawn(
    'docker',
    ['build', '--quiet', '--file', 'images/Dockerfile', '--tag', image, ...argument, '.'],
    {
      cwd: ROOT,
      stdio: 'inherit',
      // The classic builder is everywhere; BuildKit needs a plugin that may be missing.
      env: { ...process.env, DOCKER_BUILDKIT: '0' },
    },
  );
  child.once('exit', (exitCode) => done(exitCode ?? 1));
});
process.exit(code);
