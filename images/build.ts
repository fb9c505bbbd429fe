import { execFile, spawn } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { baseImage } from './base.ts';

/**
 * `npm run images`: builds the members' image. Where the engine cannot pull Node's image, a base is made from this machine's own files
 * and noted in `.env`, where `docker-compose` finds it.
 */
const ROOT = resolve(import.meta.dirname, '..');
const [image = 'kubelab:latest'] = process.argv.slice(2);

const base = await baseImage();
await noteBase(base);
const builder = await builderSettings();
const { code, output } = await build(base === undefined ? [] : ['--build-arg', `NODE_BASE=${base}`]);
// What a builder says is of interest only when it fails.
if (code !== 0) process.stderr.write(output);
else process.stdout.write(`${image} built${base === undefined ? '' : ` on ${base}`}\n`);
await removeSuperseded();
process.exitCode = code;

/** What earlier builds left without a name, and bases of other sources; the engine keeps what containers or images still need. */
async function removeSuperseded(): Promise<void> {
  await docker('image', 'prune', '--force', '--filter', 'label=kubelab.image');
  const bases = await docker('images', '--format', '{{.Repository}}:{{.Tag}}', 'kubelab-base');
  for (const name of bases.split('\n')) if (name !== '' && name !== base) await docker('rmi', name);
}

/** Stdout; empty when the engine refuses, as it does for what is in use. */
async function docker(...words: readonly string[]): Promise<string> {
  try {
    return (await promisify(execFile)('docker', words)).stdout;
  } catch {
    return '';
  }
}

function build(args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  const words = ['build', '--force-rm', '--file', 'images/Dockerfile', '--tag', image, ...args, '.'];
  return new Promise((done, reject) => {
    const child = spawn('docker', words, { cwd: ROOT, env: { ...process.env, ...builder } });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.once('error', reject);
    child.once('close', (exitCode) => done({ code: exitCode ?? 1, output }));
  });
}

/** BuildKit needs a plugin that may be missing; the classic builder is everywhere still. */
async function builderSettings(): Promise<Readonly<Record<string, string>>> {
  try {
    await promisify(execFile)('docker', ['buildx', 'version']);
    return {};
  } catch {
    return { DOCKER_BUILDKIT: '0' };
  }
}

/** Our own line of `.env`; others stay. */
async function noteBase(name: string | undefined): Promise<void> {
  const file = join(ROOT, '.env');
  const text = await readFile(file, 'utf8').catch(() => '');
  const others = text.split('\n').filter((line) => line !== '' && !line.startsWith('NODE_BASE='));
  const lines = name === undefined ? others : [...others, `NODE_BASE=${name}`];
  if (lines.length > 0) await writeFile(file, `${lines.join('\n')}\n`);
  else await rm(file, { force: true });
}
