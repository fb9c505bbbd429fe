import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CommandError, run } from '../run.ts';
import { docker, tryDocker } from './engine.ts';

const ROOT = resolve(import.meta.dirname, '../../../../..');
const REPOSITORY = 'kubelab';
/** What the image is made of; a change of any makes a new tag. */
const SOURCES = ['packages', 'proto', 'images', 'package.json', 'package-lock.json'];
/** Not in the image (`.dockerignore`). */
const LEFT_OUT = /\.test\.ts$|\.md$/;
/** The tag of an image that was built for a lab. */
const BUILT_TAG = /^kubelab:[0-9a-f]{12}$/;
const LINES_SHOWN = 12;

let ensured: Promise<string> | undefined;

/** The members' image, built from this checkout when the engine does not have it yet; its name with tag. */
export function ensureImage(tell: (line: string) => void): Promise<string> {
  ensured ??= build(tell);
  return ensured;
}

async function build(tell: (line: string) => void): Promise<string> {
  const image = `${REPOSITORY}:${await sourceHash()}`;
  if ((await tryDocker('image', 'inspect', image)) !== undefined) return image;
  tell(`building the image ${image}`);
  await buildImage(image);
  // Of earlier sources; the engine keeps those of which there are containers.
  const older = (await ownImages()).filter((name) => BUILT_TAG.test(name) && name !== image);
  if (older.length > 0) await tryDocker('rmi', ...older);
  return image;
}

async function buildImage(image: string): Promise<void> {
  try {
    await run([process.execPath, join(ROOT, 'images/build.ts'), image]);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    // A builder says much; why it failed is at the end.
    const end = error.stderr.trim().split('\n').slice(-LINES_SHOWN).join('\n');
    throw new Error(`the image was not built; "npm run images" shows all of it. Its last lines:\n${end}`, {
      cause: error,
    });
  }
}

/** Removes what `images/build.ts` has made, but what another lab's containers use. */
export async function removeImages(): Promise<void> {
  const own = await ownImages();
  if (own.length > 0) await tryDocker('rmi', ...own);
  await docker('image', 'prune', '--force', '--filter', 'label=kubelab.image');
}

/** Names with tags; the base comes last, as the others are made of it. */
async function ownImages(): Promise<string[]> {
  const list = async (repository: string) =>
    (await docker('images', '--format', '{{.Repository}}:{{.Tag}}', repository)).split('\n').filter(Boolean);
  return [...(await list(REPOSITORY)), ...(await list(`${REPOSITORY}-base`))];
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
    .filter((entry) => entry.isFile() && !LEFT_OUT.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !file.includes('/node_modules/'))
    .toSorted();
}
