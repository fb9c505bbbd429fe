/**
 * A set of field paths, as a tree. Path elements are written as FieldsV1 writes them:
 *
 *   f:spec             a field or map key
 *   k:{"name":"web"}   the element of a list that has these keys
 *   v:"x"              a value of a set
 *
 * Sets are never changed once built, except by the builder functions here.
 */
export interface FieldSet {
  /** The path that leads here is itself in the set. */
  isMember: boolean;
  readonly children: Map<string, FieldSet>;
}

export function emptySet(): FieldSet {
  return { isMember: false, children: new Map() };
}

export function isEmpty(set: FieldSet): boolean {
  return !set.isMember && [...set.children.values()].every(isEmpty);
}

/** Every path of the set, in order. */
export function pathsOf(set: FieldSet, prefix: readonly string[] = []): string[][] {
  const below = [...set.children].flatMap(([element, child]) => pathsOf(child, [...prefix, element]));
  return set.isMember ? [[...prefix], ...below] : below;
}

/** The child of that name, made when it is missing. */
export function childOf(set: FieldSet, element: string): FieldSet {
  let child = set.children.get(element);
  if (child === undefined) set.children.set(element, (child = emptySet()));
  return child;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  return combine(a, b, (inA, inB) => inA || inB);
}

export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return combine(a, b, (inA, inB) => inA && !inB);
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return combine(a, b, (inA, inB) => inA && inB);
}

export function isEqual(a: FieldSet, b: FieldSet): boolean {
  return isEmpty(difference(a, b)) && isEmpty(difference(b, a));
}

/** The paths for which `decide` says so; branches without any are left out. */
function combine(a: FieldSet, b: FieldSet, decide: (inA: boolean, inB: boolean) => boolean): FieldSet {
  const nothing = emptySet();
  const children = new Map<string, FieldSet>();
  for (const element of new Set([...a.children.keys(), ...b.children.keys()])) {
    const child = combine(a.children.get(element) ?? nothing, b.children.get(element) ?? nothing, decide);
    if (!isEmpty(child)) children.set(element, child);
  }
  return { isMember: decide(a.isMember, b.isMember), children };
}

/** FieldsV1: `{"f:spec":{"f:replicas":{}}}`; a path that is a member and has members below it carries `.`. */
export function toFieldsV1(set: FieldSet): Record<string, unknown> {
  const elements = [...set.children].sort(([a], [b]) => (a < b ? -1 : 1));
  const below = elements.map(([element, child]): [string, unknown] => {
    const json = toFieldsV1(child);
    const hasBoth = child.isMember && child.children.size > 0;
    return [element, hasBoth ? { '.': {}, ...json } : json];
  });
  return Object.fromEntries(below);
}

/** Elements that are no path elements (an unknown prefix) are ignored. */
export function fromFieldsV1(json: unknown): FieldSet {
  const set = emptySet();
  if (typeof json !== 'object' || json === null) return set;
  for (const [element, below] of Object.entries(json)) {
    if (!/^[fkvi]:/.test(element)) continue;
    const child = fromFieldsV1(below);
    const keys = Object.keys((below ?? {}) as object);
    child.isMember = keys.length === 0 || keys.includes('.');
    set.children.set(element, child);
  }
  return set;
}

/** `.spec.template.spec.containers[name="web"].image`: how conflicts name a field. */
export function pathText(path: readonly string[]): string {
  return path.map(elementText).join('');
}

function elementText(element: string): string {
  const text = element.slice(2);
  if (element.startsWith('f:')) return `.${text}`;
  if (element.startsWith('v:')) return `[=${text}]`;
  if (element.startsWith('i:')) return `[${text}]`;
  const keys = Object.entries(JSON.parse(text) as object);
  return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
}
