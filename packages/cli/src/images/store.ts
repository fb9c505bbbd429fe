import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readArchive } from './archive.ts';
import { normalizeImage } from './reference.ts';

/** An image archive in the lab's folder. */
export interface StoredImage {
  readonly id: string;
  /** File name within the folder. */
  readonly file: string;
}

type Index = Readonly<Record<string, StoredImage>>;

/** Image archives by normalized name: `index.json` and one tar an archive. */
export class ImageStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async find(name: string): Promise<StoredImage | undefined> {
    const index = await this.#read();
    return index[normalizeImage(name)];
  }

  path(image: StoredImage): string {
    return join(this.#folder, image.file);
  }

  /** Takes an archive in under every name it carries; the names. */
  async add(archive: string): Promise<string[]> {
    const images = await readArchive(archive);
    const names = images.flatMap(({ tags }) => tags);
    if (names.length === 0) throw new Error(`${archive} has no image names: save it by name, not by id`);
    await mkdir(this.#folder, { recursive: true });
    const file = `${createHash('sha256')
      .update(images.map(({ id }) => id).join())
      .digest('hex')
      .slice(0, 16)}.tar`;
    await copyFile(archive, join(this.#folder, `${file}.new`));
    await rename(join(this.#folder, `${file}.new`), join(this.#folder, file));
    const added = images.flatMap(({ id, tags }) =>
      tags.map((tag) => [normalizeImage(tag), { id, file }] as const),
    );
    await this.#write({ ...(await this.#read()), ...Object.fromEntries(added) });
    return names;
  }

  async #read(): Promise<Index> {
    const text = await readFile(join(this.#folder, 'index.json'), 'utf8').catch(() => '{}');
    return JSON.parse(text) as Index;
  }

  async #write(index: Index): Promise<void> {
    const path = join(this.#folder, 'index.json');
    await writeFile(`${path}.new`, JSON.stringify(index, undefined, 2));
    await rename(`${path}.new`, path);
  }
}
