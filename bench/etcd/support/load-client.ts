import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execute } from '../../../tests/support/lab.ts';
import { spawnChild } from '../../support/children.ts';
import { onPath } from '../../support/on-path.ts';
import { type LoadReport, parseReport } from '../core/load-report.ts';

const SOURCES = join(import.meta.dirname, '../client');
const FLAGS = ['-std=c11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-Werror'];
/** A load that does not end by itself so long after its time is stuck. */
const GRACE_MS = 60_000;

/** The client's options by their names in camel case; see `client/options.c`. */
export interface LoadOptions {
  readonly endpoints: readonly string[];
  readonly pids?: readonly number[];
  readonly connections?: number;
  readonly streams?: number;
  readonly warmUp?: number;
  readonly seconds?: number;
  readonly count?: number;
  readonly prefix?: string;
  readonly keys?: number;
  readonly valueBytes?: number;
  readonly limit?: number;
  readonly serializable?: boolean;
  readonly writers?: number;
  readonly rate?: number;
  readonly watches?: number;
  readonly separateStreams?: boolean;
  readonly backlog?: number;
  readonly path?: string;
  readonly message?: string;
  readonly ca?: string;
}

export type LoadMode = 'put' | 'txn' | 'get' | 'list' | 'call' | 'watch' | 'probe' | 'ready';

/** Why there is no client on this machine; for people. */
export interface Missing {
  readonly missing: string;
}

/** The compiled load client (`client/`): one in JavaScript would be the limit itself. */
export class LoadClient {
  readonly #program: string;
  readonly #folder: string;
  readonly #running = new Set<ChildProcess>();
  /** False: built without OpenSSL. */
  readonly hasTls: boolean;

  private constructor(folder: string, hasTls: boolean) {
    this.#folder = folder;
    this.#program = join(folder, 'etcd-load');
    this.hasTls = hasTls;
  }

  /** Compiles it, which takes a second. */
  static async build(): Promise<LoadClient | Missing> {
    if (!onPath('gcc'))
      return { missing: 'gcc is not installed (Debian: gcc libc6-dev libnghttp2-dev libssl-dev)' };
    if (!(await hasHeader('nghttp2/nghttp2.h'))) {
      return { missing: "nghttp2's headers are not installed (Debian: libnghttp2-dev libssl-dev)" };
    }
    const hasTls = await hasHeader('openssl/ssl.h');
    const folder = await mkdtemp(join(tmpdir(), 'kubelab-bench-client-'));
    const client = new LoadClient(folder, hasTls);
    const sources = globSync('*.c', { cwd: SOURCES }).filter(
      (name) => name !== (hasTls ? 'tls-none.c' : 'tls.c'),
    );
    const libraries = hasTls ? ['-lnghttp2', '-lssl', '-lcrypto'] : ['-lnghttp2'];
    const words = [
      ...FLAGS,
      ...sources.map((name) => join(SOURCES, name)),
      '-o',
      client.#program,
      ...libraries,
    ];
    const { code, stderr } = await execute('gcc', words);
    if (code === 0) return client;
    await client.remove();
    throw new Error(`gcc: ${stderr}`);
  }

  /** Starts a load; `interrupt` ends its measured part. */
  start(mode: LoadMode, options: LoadOptions): { report: Promise<LoadReport>; interrupt(): void } {
    const child = spawnChild(this.#program, [mode, ...wordsOf(options)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#running.add(child);
    return {
      report: this.#outcome(child, mode, options),
      interrupt: () => child.kill('SIGINT'),
    };
  }

  run(mode: LoadMode, options: LoadOptions): Promise<LoadReport> {
    return this.start(mode, options).report;
  }

  async #outcome(child: ChildProcess, mode: LoadMode, options: LoadOptions): Promise<LoadReport> {
    const timeoutMs = ((options.warmUp ?? 0) + (options.seconds ?? 0)) * 1000 + GRACE_MS;
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    let [stdout, stderr] = ['', ''];
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    clearTimeout(timer);
    this.#running.delete(child);
    if (code !== 0) throw new Error(stderr.trim() || `etcd-load ${mode}: ended by ${signal ?? code}`);
    return parseReport(stdout);
  }

  /** Ends what still runs and deletes the program. */
  async remove(): Promise<void> {
    for (const child of this.#running) child.kill('SIGKILL');
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function hasHeader(name: string): Promise<boolean> {
  const { code } = await execute('gcc', ['-E', '-xc', '-'], { input: `#include <${name}>\n` });
  return code === 0;
}

/** `{ valueBytes: 8, serializable: true }` → `--value-bytes=8 --serializable` */
function wordsOf(options: LoadOptions): string[] {
  return Object.entries(options).flatMap(([name, value]: [string, LoadOptions[keyof LoadOptions]]) => {
    const flag = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (value === undefined || value === false) return [];
    return value === true ? [flag] : [`${flag}=${String(value)}`];
  });
}
