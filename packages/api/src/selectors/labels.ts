/**
 * Label selectors: text (`app=web,tier in (a, b),!old`) and object (`matchLabels`, `matchExpressions`) forms,
 * one matcher for both. Grammar and messages follow `k8s.io/apimachinery/pkg/labels`.
 */
import { errors } from '../errors.ts';
import { labelKeyErrors, labelValueErrors } from '../names.ts';

export type LabelOperator = 'exists' | '!' | '=' | '==' | '!=' | 'in' | 'notin' | 'gt' | 'lt';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

export type Labels = Readonly<Record<string, string | undefined>>;

/** The object form, as in `spec.selector` of workloads. */
export interface LabelSelectorLike {
  readonly matchLabels?: Labels | undefined;
  readonly matchExpressions?:
    | readonly {
        readonly key: string;
        readonly operator: string;
        readonly values?: readonly string[] | undefined;
      }[]
    | undefined;
}

export class LabelMatcher {
  readonly requirements: readonly LabelRequirement[];
  readonly #nothing: boolean;

  constructor(requirements: readonly LabelRequirement[], options: { matchesNothing?: boolean } = {}) {
    this.requirements = requirements;
    this.#nothing = options.matchesNothing ?? false;
  }

  matches(labels: Labels | undefined): boolean {
    if (this.#nothing) return false;
    return this.requirements.every((requirement) => meets(requirement, labels));
  }

  /** No requirement at all: everything matches. */
  get isEmpty(): boolean {
    return !this.#nothing && this.requirements.length === 0;
  }

  toString(): string {
    const sorted = [...this.requirements].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    return sorted.map(requirementText).join(',');
  }
}

export const everything = new LabelMatcher([]);
export const nothing = new LabelMatcher([], { matchesNothing: true });

function meets(requirement: LabelRequirement, labels: Labels | undefined): boolean {
  const value = ownValue(labels, requirement.key);
  switch (requirement.operator) {
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case '=':
    case '==':
    case 'in':
      return value !== undefined && requirement.values.includes(value);
    case '!=':
    case 'notin':
      return value === undefined || !requirement.values.includes(value);
    case 'gt':
    case 'lt':
      return comparesAs(requirement.operator, value, requirement.values[0]);
  }
}

/** Both sides must be whole numbers, else the requirement is not met. */
function comparesAs(operator: 'gt' | 'lt', value: string | undefined, bound: string | undefined): boolean {
  if (value === undefined || bound === undefined) return false;
  if (!/^[+-]?\d+$/.test(value) || !/^[+-]?\d+$/.test(bound)) return false;
  return operator === 'gt' ? BigInt(value) > BigInt(bound) : BigInt(value) < BigInt(bound);
}

/** Labels come from outside: a label named `constructor` must not find an inherited member. */
function ownValue(labels: Labels | undefined, key: string): string | undefined {
  return labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function requirementText({ key, operator, values }: LabelRequirement): string {
  const sorted = [...values].sort();
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${sorted.join(',')})`;
    case 'gt':
      return `${key}>${sorted[0]}`;
    case 'lt':
      return `${key}<${sorted[0]}`;
    default:
      return `${key}${operator}${sorted[0] ?? ''}`;
  }
}

const OBJECT_OPERATORS: Readonly<Record<string, LabelOperator>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
  Gt: 'gt',
  Lt: 'lt',
};

/** The object form. Undefined selects nothing, an empty selector everything (`LabelSelectorAsSelector`). */
export function labelSelectorMatcher(selector: LabelSelectorLike | undefined | null): LabelMatcher {
  if (selector === undefined || selector === null) return nothing;
  const exact = Object.entries(selector.matchLabels ?? {}).map(
    ([key, value]): LabelRequirement => ({ key, operator: '=', values: [value ?? ''] }),
  );
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator, values }): LabelRequirement => {
    const known = Object.hasOwn(OBJECT_OPERATORS, operator) ? OBJECT_OPERATORS[operator] : undefined;
    if (known === undefined) throw errors.badRequest(`"${operator}" is not a valid label selector operator`);
    return { key, operator: known, values: values ?? [] };
  });
  return new LabelMatcher([...exact, ...expressions]);
}

/** A plain map, as in `service.spec.selector`. */
export function labelSetMatcher(set: Labels | undefined): LabelMatcher {
  return labelSelectorMatcher({ matchLabels: set ?? {} });
}

/** `metav1.FormatLabelSelector`: how tables print an object selector, even a stored one that is malformed. */
export function formatLabelSelector(selector: LabelSelectorLike | undefined | null): string {
  const isKnown =
    selector?.matchExpressions?.every(({ operator }) => Object.hasOwn(OBJECT_OPERATORS, operator)) ?? true;
  if (!isKnown) return '<error>';
  const text = labelSelectorMatcher(selector).toString();
  return text === '' ? '<none>' : text;
}

/** The text form. Throws ApiError 400. */
export function parseLabelSelector(text: string): LabelMatcher {
  if (text.trim() === '') return everything;
  return new LabelMatcher(new LabelParser(text).parse());
}

const TOKEN = /\s*(\(|\)|,|!=|!|==|=|>|<|[^\s(),!=<>]+)/y;

class LabelParser {
  readonly #text: string;
  readonly #tokens: string[] = [];
  #position = 0;

  constructor(text: string) {
    this.#text = text;
    const trimmed = text.trimEnd();
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < trimmed.length) {
      const match = TOKEN.exec(trimmed);
      if (match === null) throw this.#error('unexpected character');
      this.#tokens.push(match[1] ?? '');
    }
  }

  parse(): LabelRequirement[] {
    const found: LabelRequirement[] = [];
    for (;;) {
      found.push(this.#requirement());
      const next = this.#next();
      if (next === undefined) return found;
      if (next !== ',') throw this.#error(`found '${next}', expected: ',' or 'end of string'`);
      if (this.#peek() === undefined) throw this.#error("found '', expected: identifier after ','");
    }
  }

  #requirement(): LabelRequirement {
    if (this.#peek() === '!') {
      this.#next();
      return this.#checked({ key: this.#identifier(), operator: '!', values: [] });
    }
    const key = this.#identifier();
    const operator = this.#peek();
    switch (operator) {
      case undefined:
      case ',':
        return this.#checked({ key, operator: 'exists', values: [] });
      case '=':
      case '==':
      case '!=':
        this.#next();
        return this.#checked({ key, operator, values: [this.#exactValue()] });
      case '>':
      case '<':
        this.#next();
        return this.#checked({ key, operator: operator === '>' ? 'gt' : 'lt', values: [this.#exactValue()] });
      case 'in':
      case 'notin':
        this.#next();
        return this.#checked({ key, operator, values: this.#valueList() });
      default:
        throw this.#error(`found '${operator}', expected: in, notin, =, ==, !=, gt, lt`);
    }
  }

  #identifier(): string {
    const token = this.#next() ?? '';
    if (!isWord(token)) throw this.#error(`found '${token}', expected: !, identifier, or 'end of string'`);
    return token;
  }

  /** `key=` selects the empty value. */
  #exactValue(): string {
    const token = this.#peek();
    if (token === undefined || token === ',') return '';
    this.#next();
    if (!isWord(token)) throw this.#error(`found '${token}', expected: identifier`);
    return token;
  }

  /** `(a,b)`; `(a,)` holds the empty value too. */
  #valueList(): string[] {
    const open = this.#next();
    if (open !== '(') throw this.#error(`found '${open ?? ''}', expected: '('`);
    const values: string[] = [];
    for (;;) {
      const token = this.#next();
      if (token === undefined) throw this.#error("found '', expected: ',', or ')'");
      if (isWord(token)) {
        values.push(token);
        const after = this.#next();
        if (after === ')') return [...new Set(values)];
        if (after !== ',') throw this.#error(`found '${after ?? ''}', expected: ',', or ')'`);
        if (this.#peek() === ')') values.push('');
      } else if (token === ',') {
        values.push('');
      } else if (token === ')') {
        return [...new Set(values.length === 0 ? [''] : values)];
      } else {
        throw this.#error(`found '${token}', expected: ',', ')' or identifier`);
      }
    }
  }

  #checked(requirement: LabelRequirement): LabelRequirement {
    const keyErrors = labelKeyErrors(requirement.key);
    if (keyErrors.length > 0) {
      throw this.#error(`key: Invalid value: ${JSON.stringify(requirement.key)}: ${keyErrors.join('; ')}`);
    }
    for (const [index, value] of requirement.values.entries()) {
      const valueErrors = labelValueErrors(value);
      if (valueErrors.length === 0) continue;
      const path = `values[${index}][${requirement.key}]`;
      throw this.#error(`${path}: Invalid value: ${JSON.stringify(value)}: ${valueErrors.join('; ')}`);
    }
    return requirement;
  }

  #peek(): string | undefined {
    return this.#tokens[this.#position];
  }

  #next(): string | undefined {
    return this.#tokens[this.#position++];
  }

  #error(why: string) {
    return errors.badRequest(
      `unable to parse requirement: ${why}`.concat(
        this.#text.length > 256 ? '' : ` (in ${JSON.stringify(this.#text)})`,
      ),
    );
  }
}

function isWord(token: string): boolean {
  return token !== '' && !/^[(),!=<>]/.test(token);
}
