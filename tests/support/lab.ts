import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';

export const ROOT = resolve(import.meta.dirname, '../..');

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly timeoutMs?: number;
}

/** Runs a program to its end. */
export function execute(
  command: string,
  args: readonly string[],
  { env, input, timeoutMs = 120_000 }: RunOptions = {},
): Promise<Outcome> {
  return new Promise((done, reject) => {
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      done({ code: code ?? -1, stdout, stderr });
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** A lab of its own for one test file: its own home, name and ports. */
export class TestLab {
  readonly name: string;
  readonly home: string;
  kubectlPath = 'kubectl';

  constructor(name: string) {
    this.name = name;
    this.home = mkdtempSync(join(tmpdir(), 'kubelab-test-'));
  }

  get folder(): string {
    return join(this.home, this.name);
  }
  get kubeconfig(): string {
    return join(this.folder, 'kubeconfig');
  }

  /** `kubelab <words> --name <this lab>`. */
  kubelab(words: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const separator = words.indexOf('--');
    const own =
      separator < 0
        ? [...words, '--name', this.name]
        : [...words.slice(0, separator), '--name', this.name, ...words.slice(separator)];
    return execute(join(ROOT, 'kubelab'), own, {
      ...options,
      env: { KUBELAB_HOME: this.home, ...options.env },
    });
  }

  /** `kubelab <words>` just as they are. */
  bare(words: readonly string[]): Promise<Outcome> {
    return execute(join(ROOT, 'kubelab'), words, { env: { KUBELAB_HOME: this.home } });
  }

  /** As `kubelab`, but must succeed; stdout. */
  async ok(words: readonly string[], options: RunOptions = {}): Promise<string> {
    return must(`kubelab ${words.join(' ')}`, await this.kubelab(words, options));
  }

  kubectl(words: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return execute(this.kubectlPath, ['--kubeconfig', this.kubeconfig, ...words], {
      ...options,
      env: { KUBECACHEDIR: join(this.home, 'kube-cache'), HOME: this.home, ...options.env },
    });
  }

  async kubectlOk(words: readonly string[], options: RunOptions = {}): Promise<string> {
    return must(`kubectl ${words.join(' ')}`, await this.kubectl(words, options));
  }

  async json<T>(words: readonly string[]): Promise<T> {
    return JSON.parse(await this.kubectlOk([...words, '-o', 'json'])) as T;
  }

  async status(): Promise<LabStatusJson> {
    return JSON.parse(await this.ok(['status', '--json'])) as LabStatusJson;
  }

  async remove(): Promise<void> {
    await this.kubelab(['down']);
    await rm(this.home, { recursive: true, force: true });
  }
}

export interface LabStatusJson {
  readonly name: string;
  readonly driver: string;
  readonly members: readonly {
    readonly name: string;
    readonly kind: string;
    readonly state: string;
    readonly role?: string;
    readonly pid?: number;
    readonly container?: string;
  }[];
}

export function must(what: string, { code, stdout, stderr }: Outcome): string {
  if (code !== 0) throw new Error(`${what}: exit ${code}\n${stdout}\n${stderr}`);
  return stdout;
}

const SDK_FOLDERS = ['/usr/lib/google-cloud-sdk/bin', '/google-cloud-sdk/bin', '/opt/google-cloud-sdk/bin'];

/** kubectl of these minor versions that are installed, by version; `KUBECTL` names another one. */
export function installedKubectls(versions: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const version of versions) {
    const path = SDK_FOLDERS.map((folder) => join(folder, `kubectl.${version}`)).find(existsSync);
    if (path !== undefined) found.set(version, path);
  }
  const given =
    process.env.KUBECTL ??
    (process.env.PATH ?? '')
      .split(':')
      .map((folder) => join(folder, 'kubectl'))
      .find(existsSync);
  if (found.size === 0 && given !== undefined) found.set('installed', given);
  return found;
}

/** A machine that others load too may take this many times a figure; what a quiet one takes is the benchmark's to judge. */
const SLACK = 5;

/** Holds a time against the figure it should reach: told when it is missed, an error only when it is missed by far. */
export function reach(t: TestContext, what: string, seconds: number, figure: number): void {
  const verdict = seconds <= figure ? 'met' : 'missed';
  t.diagnostic(`${what}: ${seconds.toFixed(1)} s, figure ${figure} s: ${verdict}`);
  assert.ok(seconds <= figure * SLACK, `${what} took ${seconds} s; the figure is ${figure} s`);
}
