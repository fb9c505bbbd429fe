import type { PlantedBug } from './planted.ts';

export interface RegressionBug extends Omit<PlantedBug, 'name'> {
  /** etcd's number, as in the title of the scenario. */
  readonly issue: string;
  /** Below `sim/src/regressions/`. */
  readonly test: string;
}

const HUB = 'etcd-lite/src/core/watch-hub.ts';
const MEMBER = 'etcd-lite/src/shell/member.ts';
const STORE = 'etcd-lite/src/core/mvcc-store.ts';

/** What went wrong in etcd, done to our sources: the same mistake, or what comes nearest here. */
export const REGRESSION_BUGS: readonly RegressionBug[] = [
  {
    issue: '13766',
    test: 'durability',
    file: MEMBER,
    from: 'metadata: { index: this.#applied, term',
    to: 'metadata: { index: this.#applied - 1, term',
  },
  {
    issue: '14370',
    test: 'durability',
    file: 'etcd-lite/src/wal/wal.ts',
    from: 'return this.#file.writeSynced(at, bytes, mayBlock);',
    to: 'void this.#file.writeSynced(at, bytes, mayBlock); return undefined;',
  },
  {
    issue: '14685',
    test: 'durability',
    file: MEMBER,
    from: 'metadata: { index: this.#applied, term',
    to: 'metadata: { index: this.#applied - 1, term',
  },
  {
    issue: '17780',
    test: 'durability',
    file: STORE,
    from: 'store.#revision = revision;',
    to: 'store.#revision = log.findLast(({ version }) => version > 0)?.modRevision ?? 1;',
  },
  {
    issue: '15220',
    test: 'watches',
    file: 'etcd-lite/src/services/watch.ts',
    from: ' || !this.#isWritable || this.#behind.size > 0) return;',
    to: ' || !this.#isWritable) return;',
  },
  {
    issue: '15271',
    test: 'watches',
    file: HUB,
    from: 'watcher.nextRevision = Math.max(watcher.nextRevision, next);',
    to: 'watcher.nextRevision = Math.min(watcher.nextRevision, 3, next);',
  },
  {
    issue: '17247',
    test: 'watches',
    file: HUB,
    from: 'matching.push(change);',
    to: 'matching.push(...(change.sub === 1 ? [change, change] : [change]));',
  },
  {
    issue: '17529',
    test: 'watches',
    file: HUB,
    from: 'watcher.nextRevision = revision;',
    to: 'watcher.nextRevision = revision + 1;',
  },
  {
    issue: '18089',
    test: 'watches',
    file: STORE,
    from: 'const keepFrom = firstAtLeast(this.#log, revision);',
    to: 'const keepFrom = firstAtLeast(this.#log, revision + 1);',
  },
  {
    issue: '19179',
    test: 'watches',
    file: STORE,
    from: 'modRevision >= compactRevision',
    to: 'modRevision > compactRevision',
  },
  {
    issue: '20221',
    test: 'watches',
    file: HUB,
    from: 'watcher.nextRevision = Math.max(watcher.nextRevision, next);',
    to: 'watcher.nextRevision = next;',
  },
  {
    issue: '14571',
    test: 'agreement',
    file: 'etcd-lite/src/core/auth/auth-store.ts',
    from: 'store.#roles.set(textOf(name), {',
    to: 'new Map<string, Role>().set(textOf(name), {',
  },
  {
    issue: '18667',
    test: 'agreement',
    file: 'etcd-lite/src/core/write.ts',
    from: 'if (op.requestRange !== null)\n      writes.range(',
    to: 'if (op.requestPut !== null && op.requestRange !== null)\n      writes.range(',
  },
  {
    issue: '15247',
    test: 'agreement',
    file: MEMBER,
    from: 'header: this.auth.asRoot() }, true)',
    to: 'header: this.auth.asRoot() })',
  },
];
