import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** One line of the store, broken. `from` must occur exactly once in the file. */
export interface PlantedBug {
  readonly name: string;
  /** Below `packages/`. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export interface Finding {
  readonly seed: number;
  /** What noticed: a check's word, or the invariant whose assertion failed. */
  readonly by: string;
  readonly text: string;
}

const ROOT = resolve(import.meta.dirname, '../../../..');
const COPIED = ['component-base', 'rpc', 'raft-consensus', 'etcd-lite', 'sim'];

/** A copy of all sources that take part, with the other modules linked in, into which bugs can be planted. */
export class Nursery {
  readonly #folder = mkdtempSync(join(tmpdir(), 'kubelab-planted-'));

  constructor() {
    const modules = join(this.#folder, 'node_modules');
    mkdirSync(join(modules, '@kubelab'), { recursive: true });
    for (const name of readdirSync(join(ROOT, 'node_modules'))) {
      if (name.startsWith('.') || name === '@kubelab' || name === 'raft-consensus') continue;
      symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
    }
    cpSync(join(ROOT, 'proto'), join(this.#folder, 'proto'), { recursive: true });
    for (const name of COPIED) {
      const copy = join(this.#folder, 'packages', name);
      mkdirSync(copy, { recursive: true });
      cpSync(join(ROOT, 'packages', name, 'src'), join(copy, 'src'), { recursive: true });
      cpSync(join(ROOT, 'packages', name, 'package.json'), join(copy, 'package.json'));
      symlinkSync(copy, join(modules, name === 'raft-consensus' ? name : `@kubelab/${name}`));
    }
  }

  /** Searches seeds `1..seedMax` with the bug in place. Undefined: none notices. */
  find(bug: PlantedBug | undefined, seedMax: number, timeoutMs: number): Finding | undefined {
    if (bug === undefined) return this.#search(seedMax, timeoutMs);
    return this.#with(bug, () => this.#search(seedMax, timeoutMs));
  }

  #with<T>({ file, from, to }: Omit<PlantedBug, 'name'>, fn: () => T): T {
    const path = join(this.#folder, 'packages', file);
    const source = readFileSync(path, 'utf8');
    const pieces = source.split(from);
    if (pieces.length !== 2) throw new Error(`"${from}" occurs ${pieces.length - 1} times in ${file}`);
    writeFileSync(path, pieces.join(to));
    try {
      return fn();
    } finally {
      writeFileSync(path, source);
    }
  }

  /** Runs those tests of a file whose titles match, with the bug in place: do any fail? */
  fails(bug: Omit<PlantedBug, 'name'> | undefined, file: string, titles: string): boolean {
    const path = join(this.#folder, 'packages/sim/src', file);
    const run = (): boolean => {
      const args = ['--test', '--test-reporter=tap', `--test-name-pattern=${titles}`, path];
      // Otherwise the runner takes it for one of its own, and runs nothing.
      const { NODE_TEST_CONTEXT: _, ...env } = process.env;
      const { stdout, status } = spawnSync(process.execPath, args, { encoding: 'utf8', env });
      if (!/^# tests [1-9]/m.test(stdout)) throw new Error(`no test ran: ${stdout.slice(-1000)}`);
      return status !== 0;
    };
    return bug === undefined ? run() : this.#with(bug, run);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #search(seedMax: number, timeoutMs: number): Finding | undefined {
    const main = join(this.#folder, 'packages/sim/src/main.ts');
    const { stdout, stderr, signal } = spawnSync(
      process.execPath,
      [main, '--seeds', `1-${seedMax}`, '--events', '6000'],
      { encoding: 'utf8', timeout: timeoutMs },
    );
    if (signal !== null) throw new Error(`no answer within ${timeoutMs} ms: ${stdout.slice(-300)}`);
    const found =
      /^seed (\d+): (?:Violation: ([\w-]+)|\w+: invariant ([\w-]+) broken|\w+: ([A-Z]+-\d+))(.*)$/m.exec(
        stdout,
      );
    if (found !== null) {
      const [, seed, ...words] = found;
      return {
        seed: Number(seed),
        by: words.find((word) => word !== undefined) ?? '',
        text: words.at(-1) ?? '',
      };
    }
    // Anything else is no finding: the replacement does not even run.
    if (stderr !== '' || !stdout.includes(`seed ${seedMax}: `) || /^replay/m.test(stdout))
      throw new Error(`the search itself failed: ${stderr}${stdout.slice(-1000)}`);
    return undefined;
  }
}
