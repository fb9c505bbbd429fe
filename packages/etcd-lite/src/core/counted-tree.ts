import type { KeyText } from './keys.ts';

/** Entries of a leaf and children of a branch. Larger: fewer levels, but more to move for each insertion. */
const WIDTH_MAX = 64;

interface Leaf<V> {
  readonly isLeaf: true;
  readonly keys: KeyText[];
  readonly values: V[];
  /** Of the entries below: how many count. */
  count: number;
}

interface Branch<V> {
  readonly isLeaf: false;
  /** `keys[i]` is not greater than any key below `children[i]`, and greater than all below the one before. */
  readonly keys: KeyText[];
  readonly children: Node<V>[];
  count: number;
}

type Node<V> = Leaf<V> | Branch<V>;

const newLeaf = <V>(): Leaf<V> => ({ isLeaf: true, keys: [], values: [], count: 0 });

/**
 * A B+tree whose branches know how many entries below them count, so that the entries of any range are
 * counted without visiting them: a page of 500 out of 100 000 keys says how many there are (15 ms if one
 * walks them all).
 *
 * Whether an entry counts is the owner's matter: `counts` tells, and the owner tells the tree when that has
 * changed (`recount`).
 * Invariants
 *   TREE-1  keys ascend, within and across leaves
 *   TREE-2  each node's count is that of the counting entries below it
 */
export class CountedTree<V> {
  readonly #counts: (value: V) => boolean;
  #root: Node<V> = newLeaf();
  #size = 0;
  /** No key is greater. */
  #last: KeyText | undefined;

  constructor(counts: (value: V) => boolean) {
    this.#counts = counts;
  }

  get size(): number {
    return this.#size;
  }

  get(key: KeyText): V | undefined {
    if (this.#last === undefined || key > this.#last) return undefined;
    let node = this.#root;
    while (!node.isLeaf) node = childOf(node, key);
    const at = lowerBound(node.keys, key);
    return node.keys[at] === key ? node.values[at] : undefined;
  }

  /** `key` must not be there yet. */
  insert(key: KeyText, value: V): void {
    const path: Branch<V>[] = [];
    let node = this.#root;
    // Keys that come in order (a restart reads them so) need no search.
    const isLast = this.#last === undefined || key > this.#last;
    if (isLast) this.#last = key;
    while (!node.isLeaf) {
      path.push(node);
      if (key < (node.keys[0] ?? key)) node.keys[0] = key;
      node = isLast ? lastOf(node) : childOf(node, key);
    }
    const at = isLast ? node.keys.length : lowerBound(node.keys, key);
    node.keys.splice(at, 0, key);
    node.values.splice(at, 0, value);
    this.#size++;
    if (this.#counts(value)) {
      node.count++;
      for (const branch of path) branch.count++;
    }
    this.#splitWhereFull(node, path, isLast);
  }

  /** The entry of `key` counts now and did not before (1), or the other way round (-1). */
  recount(key: KeyText, change: 1 | -1): void {
    let node = this.#root;
    const isLast = key === this.#last;
    for (;;) {
      node.count += change;
      if (node.isLeaf) return;
      node = isLast ? lastOf(node) : childOf(node, key);
    }
  }

  delete(key: KeyText): void {
    const path: Branch<V>[] = [];
    let node = this.#root;
    while (!node.isLeaf) {
      path.push(node);
      node = childOf(node, key);
    }
    const at = lowerBound(node.keys, key);
    const value = node.values[at];
    if (node.keys[at] !== key || value === undefined) return;
    node.keys.splice(at, 1);
    node.values.splice(at, 1);
    this.#size--;
    if (this.#counts(value)) {
      node.count--;
      for (const branch of path) branch.count--;
    }
    this.#removeWhereEmpty(node, path);
  }

  /** Counting entries with `start <= key < end`. */
  count(start: KeyText, end: KeyText): number {
    return start < end ? this.#countBelow(end) - this.#countBelow(start) : 0;
  }

  /** Visits entries with `start <= key < end` in order, until `visit` returns false. */
  forRange(start: KeyText, end: KeyText, visit: (value: V, key: KeyText) => boolean): void {
    visitRange(this.#root, start, end, visit);
  }

  *values(): Generator<V, void, undefined> {
    const below = function* (node: Node<V>): Generator<V, void, undefined> {
      if (node.isLeaf) yield* node.values;
      else for (const child of node.children) yield* below(child);
    };
    yield* below(this.#root);
  }

  /** Of keys less than `key`. */
  #countBelow(key: KeyText): number {
    let node = this.#root;
    let count = 0;
    while (!node.isLeaf) {
      const at = childIndex(node, key);
      for (let i = 0; i < at; i++) count += node.children[i]?.count ?? 0;
      node = node.children[at] as Node<V>;
    }
    const at = lowerBound(node.keys, key);
    for (let i = 0; i < at; i++) if (this.#counts(node.values[i] as V)) count++;
    return count;
  }

  /** `isLast`: only the end grows, so the new node starts empty and the old one stays full. */
  #splitWhereFull(full: Node<V>, path: Branch<V>[], isLast: boolean): void {
    let node = full;
    while (node.keys.length > WIDTH_MAX) {
      const right = this.#split(node, isLast ? WIDTH_MAX : WIDTH_MAX / 2);
      const parent = path.pop();
      if (parent === undefined) {
        this.#root = {
          isLeaf: false,
          keys: [node.keys[0] ?? '', right.keys[0] ?? ''],
          children: [node, right],
          count: node.count + right.count,
        };
        return;
      }
      const at = parent.children.indexOf(node) + 1;
      parent.keys.splice(at, 0, right.keys[0] ?? '');
      parent.children.splice(at, 0, right);
      node = parent;
    }
  }

  /** Leaves the first `keep` entries; the rest is the new node. */
  #split(node: Node<V>, keep: number): Node<V> {
    const right: Node<V> = node.isLeaf
      ? { isLeaf: true, keys: node.keys.splice(keep), values: node.values.splice(keep), count: 0 }
      : { isLeaf: false, keys: node.keys.splice(keep), children: node.children.splice(keep), count: 0 };
    right.count = right.isLeaf
      ? right.values.filter(this.#counts).length
      : right.children.reduce((sum, { count }) => sum + count, 0);
    node.count -= right.count;
    return right;
  }

  /** Nodes are removed when they are empty, and not merged before: keys come again where keys have been. */
  #removeWhereEmpty(emptied: Node<V>, path: Branch<V>[]): void {
    let node = emptied;
    while (node.keys.length === 0) {
      const parent = path.pop();
      if (parent === undefined) {
        this.#root = newLeaf();
        this.#last = undefined;
        return;
      }
      const at = parent.children.indexOf(node);
      parent.keys.splice(at, 1);
      parent.children.splice(at, 1);
      node = parent;
    }
  }
}

function visitRange<V>(
  node: Node<V>,
  start: KeyText,
  end: KeyText,
  visit: (value: V, key: KeyText) => boolean,
): boolean {
  const { keys } = node;
  if (node.isLeaf) {
    for (let at = lowerBound(keys, start); at < keys.length; at++) {
      const key = keys[at] as KeyText;
      if (key >= end || !visit(node.values[at] as V, key)) return false;
    }
    return true;
  }
  for (let at = childIndex(node, start); at < keys.length; at++) {
    if ((keys[at] as KeyText) >= end) return false;
    if (!visitRange(node.children[at] as Node<V>, start, end, visit)) return false;
  }
  return true;
}

/** The first index whose key is not less than `key`. */
function lowerBound(keys: readonly KeyText[], key: KeyText): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as KeyText) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where `key` is, or would be: keys less than all go to the first child. */
function childIndex<V>({ keys }: Branch<V>, key: KeyText): number {
  const at = lowerBound(keys, key);
  return keys[at] === key ? at : Math.max(0, at - 1);
}

function childOf<V>(branch: Branch<V>, key: KeyText): Node<V> {
  return branch.children[childIndex(branch, key)] as Node<V>;
}

function lastOf<V>({ children }: Branch<V>): Node<V> {
  return children[children.length - 1] as Node<V>;
}
