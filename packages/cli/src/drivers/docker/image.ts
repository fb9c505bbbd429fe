import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { run, tryRun } from '../run.ts';

const ROOT = resolve(import.meta.dirname, '../../../../..');
const REPOSITORY = 'kubelab';
/** What the image is made of; a change of any makes a new tag. */
const SOURCES = ['packages', 'proto', 'images', 'package.json', 'package-lock.json'];

let ensured: Promise<string> | undefined;

/** The members' image, built from this checkout when the engine does not have it yet; its name with tag. */
export function ensureImage(tell: (line: string) => void): Promise<string> {
  ensured ??= build(tell);
  return ensured;
}

async function build(tell: (line: string) => void): Promise<string> {
  const image = `${REPOSITORY}:${await sourceHash()}`;
  if ((await tryRun(['docker', 'image', 'inspect', image])) !== undefined) return image;
  tell(`building the image ${image}`);
  await run([process.execPath, join(ROOT, 'images/build.ts'), image]);
  return image;
}

export async function removeImages(): Promise<void> {
  const text = await run(['docker', 'images', '--format', '{{.Repository}}:{{.Tag}}']);
  const own = text
    .split('\n')
    .filter((name) => name.startsWith(`${REPOSITORY}:`) || name.startsWith(`${REPOSITORY}-base:`));
  if (own.length > 0) await tryRun(['docker', 'rmi', '--force', ...own]);
}

/** Names and contents of all sources, so that an edited checkout is never run from an old image. */
async function sourceHash(): Promise<string> {
  const hash = createHash('sha256');
  for (const source of SOURCES) {
    for (const path of await filesOf(join(ROOT, source)))
      hash.update(path.slice(ROOT.length)).update(await readFile(path));
  }
  return hash.digest('hex').slice(0, 12);
}

async function filesOf(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return [path];
  return entries
    .filter(
      (entry) =>
        entry.isFile() && !entry.name.endsWith('.test.ts') && !entry.parentPath.includes('node_modules'),
    )
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted((a, b) => a.localeCompare(b));
}
