/**
 * The nftables objects of one table as data, and the difference of two such tables as a script for `nft -f`, which the kernel
 * takes as one transaction. Working by difference keeps what the kernel learned in the meantime: session affinity.
 */
export interface RuleSet {
  /** Chain name → its rules, in order. A first rule that starts with `type ` makes it a base chain. */
  readonly chains: ReadonlyMap<string, readonly string[]>;
  /** Set name → its definition, fixed for the name (`type ipv4_addr; flags dynamic,timeout; timeout 10800s;`), filled by the kernel. */
  readonly sets: ReadonlyMap<string, string>;
  /** Map and set name → its elements, key → value (`goto svc-…`), or '' in a plain set. */
  readonly maps: ReadonlyMap<string, MapSpec>;
}

export interface MapSpec {
  readonly kind: 'map' | 'set';
  readonly type: string;
  readonly elements: ReadonlyMap<string, string>;
}

export const EMPTY: RuleSet = { chains: new Map(), sets: new Map(), maps: new Map() };

/** The whole table, in place of whatever was there under its name. */
export function fullScript(table: string, rules: RuleSet): string {
  return [
    `table ${table}`,
    `delete table ${table}`,
    `table ${table}`,
    ...changes(table, EMPTY, rules),
    '',
  ].join('\n');
}

/**
 * Only what differs; empty when nothing does (RULES-1: a second sync changes nothing).
 * RULES-2: everything exists before it is named, and nothing named is deleted: chains are declared first, elements and rules
 * that let go of a chain come before its deletion.
 */
export function diffScript(table: string, before: RuleSet, after: RuleSet): string {
  const lines = changes(table, before, after);
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

function changes(table: string, before: RuleSet, after: RuleSet): string[] {
  const added: string[] = [];
  const filled: string[] = [];
  const removed: string[] = [];
  for (const [name, definition] of after.sets) {
    if (!before.sets.has(name)) added.push(`add set ${table} ${name} { ${definition} }`);
  }
  for (const [name, { kind, type }] of after.maps) {
    if (!before.maps.has(name)) added.push(`add ${kind} ${table} ${name} { type ${type}; }`);
  }
  for (const [name, rules] of after.chains) {
    const old = before.chains.get(name);
    if (old === undefined) added.push(`add chain ${table} ${name}${baseOf(rules)}`);
    if (old !== undefined && sameRules(old, rules)) continue;
    if (old !== undefined) filled.push(`flush chain ${table} ${name}`);
    filled.push(
      ...rules.filter((rule) => !rule.startsWith('type ')).map((rule) => `add rule ${table} ${name} ${rule}`),
    );
  }
  for (const [name, { elements }] of after.maps)
    filled.push(...elementChanges(table, name, before.maps.get(name)?.elements, elements));
  for (const name of before.chains.keys()) {
    // Emptied first: two chains that go may name each other.
    if (!after.chains.has(name)) filled.push(`flush chain ${table} ${name}`);
  }
  for (const name of before.chains.keys()) {
    if (!after.chains.has(name)) removed.push(`delete chain ${table} ${name}`);
  }
  for (const name of before.sets.keys()) {
    if (!after.sets.has(name)) removed.push(`delete set ${table} ${name}`);
  }
  return [...added, ...filled, ...removed];
}

function baseOf(rules: readonly string[]): string {
  const first = rules[0];
  return first?.startsWith('type ') === true ? ` { ${first} }` : '';
}

function elementChanges(
  table: string,
  name: string,
  before: ReadonlyMap<string, string> | undefined,
  after: ReadonlyMap<string, string>,
): string[] {
  const gone = [...(before ?? [])].filter(([key, value]) => after.get(key) !== value).map(([key]) => key);
  const fresh = [...after].filter(([key, value]) => before?.get(key) !== value);
  const text = (key: string, value: string) => (value === '' ? key : `${key} : ${value}`);
  return [
    ...(gone.length === 0 ? [] : [`delete element ${table} ${name} { ${gone.join(', ')} }`]),
    ...(fresh.length === 0
      ? []
      : [`add element ${table} ${name} { ${fresh.map(([key, value]) => text(key, value)).join(', ')} }`]),
  ];
}

function sameRules(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((rule, i) => rule === b[i]);
}
