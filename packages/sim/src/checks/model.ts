import type { CompareSpec, OpSpec, PutSpec, RangeSpec, TxnSpec } from '../clients/rich-request.ts';
import type { Revisions, Told } from './revisions.ts';

/** What a request would do and answer. */
export interface Outcome {
  readonly text: string;
  readonly hasSucceeded: boolean;
  readonly changes: readonly Told[];
}

/** A key that exists. */
interface Kv extends Told {
  readonly value: string;
}

/** What a transaction does to the store as it was at a revision, by etcd's documentation and not by our code. */
export function runTxn(revisions: Revisions, base: number, spec: TxnSpec): Outcome {
  const world = new World(revisions, base);
  const plan = planOf(world, spec);
  return { text: world.run(plan), hasSucceeded: plan.hasSucceeded, changes: world.changes };
}

/** A range's answer, as of a revision of the store. */
export function runRange(revisions: Revisions, base: number, spec: RangeSpec): string {
  return new World(revisions, base).range(spec);
}

/** Which branches are taken: decided by all comparisons, nested ones included, before anything is written. */
interface Plan {
  readonly hasSucceeded: boolean;
  readonly ops: readonly { readonly spec: OpSpec; readonly nested: Plan | undefined }[];
}

function planOf(world: World, { compare, success, failure }: TxnSpec): Plan {
  const hasSucceeded = compare.every((each) => world.holds(each));
  const ops = (hasSucceeded ? success : failure).map((spec) => ({
    spec,
    nested: spec.op === 'txn' ? planOf(world, spec) : undefined,
  }));
  return { hasSucceeded, ops };
}

/** The store at a revision, and what has been written on top of it in the next one. */
class World {
  readonly changes: Told[] = [];
  readonly #revisions: Revisions;
  readonly #base: number;
  /** Undefined: deleted. */
  readonly #written = new Map<string, Kv | undefined>();

  constructor(revisions: Revisions, base: number) {
    this.#revisions = revisions;
    this.#base = base;
  }

  run({ hasSucceeded, ops }: Plan): string {
    const texts = ops.map(({ spec, nested }) => (nested === undefined ? this.#op(spec) : this.run(nested)));
    return `${hasSucceeded ? 'then' : 'else'} { ${texts.join('; ')} }`;
  }

  range(spec: RangeSpec): string {
    const all = spec.revision > 0 ? this.#at(spec, spec.revision) : this.#found(spec.key, spec.end);
    if (spec.isCountOnly) return `found ${all.length} []`;
    const isFiltered = spec.minMod + spec.maxMod + spec.minCreate + spec.maxCreate > 0;
    let kvs = all.filter(
      ({ revision: mod, createRevision: create }) =>
        mod >= spec.minMod &&
        create >= spec.minCreate &&
        (spec.maxMod === 0 || mod <= spec.maxMod) &&
        (spec.maxCreate === 0 || create <= spec.maxCreate),
    );
    // Without an order etcd reads no more keys than it needs, and sorts those.
    if (spec.order === 'none' && !isFiltered && spec.limit > 0) kvs = kvs.slice(0, spec.limit + 1);
    const sign = spec.order === 'descend' ? -1 : 1;
    kvs = kvs.toSorted((a, b) => sign * orderBy(spec.target, a, b));
    const hasMore = spec.limit > 0 && kvs.length > spec.limit;
    if (hasMore) kvs = kvs.slice(0, spec.limit);
    const texts = kvs.map((kv) => textOfKv(spec.isKeysOnly ? { ...kv, value: '' } : kv));
    return `found ${all.length} [${texts.join(', ')}]${hasMore ? ' more' : ''}`;
  }

  holds({ key, end, target, result, operand }: CompareSpec): boolean {
    const kvs = this.#found(key, end);
    const compares = (actual: number | string): boolean => {
      if (result === '=') return actual === operand;
      if (result === '!=') return actual !== operand;
      return result === '>' ? actual > operand : actual < operand;
    };
    // A key that does not exist has no value, and otherwise is all zeroes.
    if (kvs.length === 0) return target !== 'value' && compares(0);
    return kvs.every(({ version, createRevision, revision, value, lease }) =>
      compares({ version, create: createRevision, mod: revision, value, lease }[target]),
    );
  }

  #op(spec: OpSpec): string {
    if (spec.op === 'put') return this.#put(spec);
    if (spec.op === 'range') return this.range(spec);
    if (spec.op === 'txn') return '';
    const found = this.#found(spec.key, spec.end);
    const revision = this.#base + 1;
    for (const { key } of found) {
      this.#written.set(key, undefined);
      this.changes.push({ key, value: undefined, revision, createRevision: 0, version: 0, lease: 0 });
    }
    return `deleted ${found.length} [${found.map(textOfKv).join(', ')}]`;
  }

  #put({ key, value, lease, keepsValue, keepsLease }: PutSpec): string {
    const [previous] = this.#found(key, undefined);
    const revision = this.#base + 1;
    const kv: Kv = {
      key,
      value: keepsValue ? (previous?.value ?? '') : value,
      revision,
      createRevision: previous?.createRevision ?? revision,
      version: (previous?.version ?? 0) + 1,
      lease: keepsLease ? (previous?.lease ?? 0) : lease,
    };
    this.#written.set(key, kv);
    this.changes.push(kv);
    return `put [${previous === undefined ? '' : textOfKv(previous)}]`;
  }

  #found(start: string, end: string | undefined): Kv[] {
    const before = this.#at({ key: start, end }, this.#base).filter(({ key }) => !this.#written.has(key));
    const isIn = (key: string): boolean => (end === undefined ? key === start : key >= start && key < end);
    const written = [...this.#written].flatMap(([key, kv]) => (kv !== undefined && isIn(key) ? [kv] : []));
    return [...before, ...written].toSorted((a, b) => (a.key < b.key ? -1 : 1));
  }

  #at({ key, end }: { key: string; end: string | undefined }, revision: number): Kv[] {
    return this.#revisions
      .range(key, end, revision)
      .flatMap((change) => (change.value === undefined ? [] : [{ ...change, value: change.value }]));
  }
}

function orderBy(target: RangeSpec['target'], a: Kv, b: Kv): number {
  if (target === 'version') return a.version - b.version;
  if (target === 'create') return a.createRevision - b.createRevision;
  if (target === 'mod') return a.revision - b.revision;
  const [x, y] = target === 'key' ? [a.key, b.key] : [a.value, b.value];
  return x < y ? -1 : x > y ? 1 : 0;
}

function textOfKv({ key, value, revision, createRevision, version, lease }: Kv): string {
  return `${key}=${value} m${revision} c${createRevision} v${version} l${lease}`;
}
