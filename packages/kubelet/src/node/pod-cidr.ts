import { mkdirSync, readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseCidr } from '../core/cidr.ts';

/** The node's pod CIDR on disk: whoever starts the engine reads it, also before the API answers. */
export class PodCidrFile {
  readonly #path: string | undefined;
  #cidr: string | undefined;

  constructor(path: string | undefined) {
    this.#path = path;
    this.#cidr = path === undefined ? undefined : readCidr(path);
  }

  get cidr(): string | undefined {
    return this.#cidr;
  }

  /** Takes over what the API says; true when it is news. A reader sees the old file or the new one, never half. */
  async set(cidr: string): Promise<boolean> {
    if (cidr === this.#cidr || parseCidr(cidr) === undefined) return false;
    if (this.#path !== undefined) {
      mkdirSync(dirname(this.#path), { recursive: true });
      const temporary = `${this.#path}.tmp`;
      const file = await open(temporary, 'w', 0o644);
      try {
        await file.writeFile(`${cidr}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, this.#path);
    }
    this.#cidr = cidr;
    return true;
  }
}

function readCidr(path: string): string | undefined {
  try {
    const text = readFileSync(path, 'utf8').trim();
    return parseCidr(text) === undefined ? undefined : text;
  } catch {
    return undefined; // the first start
  }
}
