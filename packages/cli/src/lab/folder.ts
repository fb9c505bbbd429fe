import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { UsageError } from '@kubelab/component-base';
import type { LabPlan } from '../core/plan.ts';

const STATE_FILE = 'lab.json';
const COPY_FILE = 'lab.copy.json';
/** Longest path of a Unix socket, less what Node adds. */
const SOCKET_PATH_MAX = 100;
/** Names go into host names, cgroups and interfaces. */
const LAB_NAME = /^[a-z]([a-z0-9-]{0,20}[a-z0-9])?$/;

/** What is kept of a lab between commands. */
export interface LabState {
  readonly version: 1;
  readonly plan: LabPlan;
  /** Members that were stopped or killed by request: they stay down until started. */
  readonly down: readonly string[];
}

/** The folder of one lab below `$KUBELAB_HOME` (default `~/.kubelab`). */
export class LabFolder {
  readonly name: string;
  readonly path: string;

  constructor(name: string, home = labHome()) {
    if (!LAB_NAME.test(name)) {
      throw new UsageError(
        `"${name}" is not a lab name`,
        'lower-case letters, digits and "-", at most 22, starting with a letter',
      );
    }
    this.name = name;
    this.path = join(home, name);
  }

  get kubeconfig(): string {
    return join(this.path, 'kubeconfig');
  }
  get images(): string {
    return join(this.path, 'images');
  }
  /** The lab's supervisor listens here; elsewhere when the folder's path is too long for a socket. */
  get socket(): string {
    const near = join(this.path, 'supervisor.sock');
    if (near.length <= SOCKET_PATH_MAX) return near;
    const digest = createHash('sha256').update(this.path).digest('hex').slice(0, 16);
    return join(tmpdir(), `kubelab-${digest}.sock`);
  }
  log(member: string): string {
    return join(this.path, 'logs', `${member}.log`);
  }
  /** Certificates and kubeconfigs of one member. */
  config(member: string): string {
    return join(this.path, 'members', member);
  }
  data(member: string): string {
    return join(this.path, 'data', member);
  }

  async create(): Promise<void> {
    for (const folder of ['logs', 'members', 'data', 'images']) {
      await mkdir(join(this.path, folder), { recursive: true, mode: 0o700 });
    }
  }

  /** Undefined when there is no such lab. Throws one clear sentence when the state is not one this version wrote. */
  async read(): Promise<LabState | undefined> {
    const text = await this.#readText(STATE_FILE);
    if (text === undefined) return undefined;
    const state = parseState(text);
    if (state !== undefined) return state;
    const path = join(this.path, STATE_FILE);
    throw new Error(
      `${path} is damaged or of another version: run "kubelab down --name ${this.name}" and start afresh`,
    );
  }

  /** What can still be known of a lab whose state is damaged: enough to clear it away. */
  async readCopy(): Promise<LabState | undefined> {
    return parseState((await this.#readText(COPY_FILE)) ?? '');
  }

  async write(state: LabState): Promise<void> {
    const text = `${JSON.stringify(state, undefined, 2)}\n`;
    for (const file of [STATE_FILE, COPY_FILE]) {
      const path = join(this.path, file);
      await writeFile(`${path}.new`, text, { mode: 0o600 });
      await rename(`${path}.new`, path);
    }
  }

  async #readText(file: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.path, file), 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
    await rm(this.socket, { force: true });
    // Our own folder goes with its last lab; one that somebody chose stays.
    if (process.env.KUBELAB_HOME === undefined) await rmdir(dirname(this.path)).catch(() => undefined);
  }
}

function parseState(text: string): LabState | undefined {
  try {
    const state = JSON.parse(text) as Partial<LabState>;
    return state.version === 1 && state.plan !== undefined && Array.isArray(state.down)
      ? (state as LabState)
      : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function labHome(): string {
  return process.env.KUBELAB_HOME ?? join(homedir(), '.kubelab');
}

/** Names of all labs that have a folder. */
export async function labNames(home = labHome()): Promise<string[]> {
  try {
    return (await readdir(home)).filter((name) => LAB_NAME.test(name)).sort();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
