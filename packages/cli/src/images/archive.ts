import { createReadStream } from 'node:fs';
import { extract } from 'tar-stream';

/** One image of a `docker save` archive. */
export interface ArchivedImage {
  /** `sha256:…`, as the engine names it. */
  readonly id: string;
  /** Names with tags, as they were saved. */
  readonly tags: readonly string[];
}

interface ManifestEntry {
  readonly Config?: string;
  readonly RepoTags?: readonly string[] | null;
}

const MANIFEST_BYTES_MAX = 4 << 20;

/** Reads what images an archive holds. Throws one clear sentence when it is no image archive. */
export async function readArchive(path: string): Promise<ArchivedImage[]> {
  const text = await readManifest(path);
  if (text === undefined)
    throw new Error(`${path} is not an image archive: it has no manifest.json ("docker save" makes one)`);
  const entries = JSON.parse(text) as ManifestEntry[];
  return entries.map(({ Config = '', RepoTags }) => ({
    id: `sha256:${/[0-9a-f]{64}/.exec(Config)?.[0] ?? ''}`,
    tags: RepoTags ?? [],
  }));
}

function readManifest(path: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const file = createReadStream(path);
    const archive = extract();
    archive.on('entry', (header, stream, next) => {
      if (header.name !== 'manifest.json' || (header.size ?? 0) > MANIFEST_BYTES_MAX) {
        stream.on('end', next).resume();
        return;
      }
      const parts: Buffer[] = [];
      stream.on('data', (part) => parts.push(part as Buffer));
      stream.on('end', () => {
        resolve(Buffer.concat(parts).toString('utf8'));
        file.destroy();
      });
    });
    archive.on('finish', () => resolve(undefined));
    archive.on('error', (error) => reject(new Error(`${path} is not an image archive: ${error.message}`)));
    file.on('error', reject);
    file.pipe(archive);
  });
}
