/**
 * Field selectors: `status.phase!=Running,spec.nodeName=node-1`. Only the fields a resource publishes can be
 * asked for. Grammar as `k8s.io/apimachinery/pkg/fields`: comma joins, `\` escapes `,`, `=` and `\`.
 */
import { errors } from '../errors.ts';

export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

export type Fields = Readonly<Record<string, string>>;

export class FieldMatcher {
  readonly requirements: readonly FieldRequirement[];

  constructor(requirements: readonly FieldRequirement[]) {
    this.requirements = requirements;
  }

  get isEmpty(): boolean {
    return this.requirements.length === 0;
  }

  matches(fields: Fields): boolean {
    return this.requirements.every(({ field, operator, value }) => {
      return (operator === '=') === ((fields[field] ?? '') === value);
    });
  }

  /** The value the field must equal, when the selector pins it: lets a store use an index or one key. */
  exact(field: string): string | undefined {
    return this.requirements.find((r) => r.field === field && r.operator === '=')?.value;
  }

  toString(): string {
    return this.requirements
      .map((r) => `${r.field}${r.operator}${r.value.replaceAll(/[\\,=]/g, '\\$&')}`)
      .join(',');
  }
}

/** Throws ApiError 400. */
export function parseFieldSelector(text: string): FieldMatcher {
  const requirements: FieldRequirement[] = [];
  for (const term of splitTerms(text)) {
    if (term !== '') requirements.push(parseTerm(term, text));
  }
  return new FieldMatcher(requirements);
}

function splitTerms(text: string): string[] {
  return text.match(/(?:\\.|[^,\\])+/gs) ?? [];
}

function parseTerm(term: string, whole: string): FieldRequirement {
  const match = /^((?:\\.|[^=!\\])+)(==|=|!=)((?:\\.|[^\\])*)$/s.exec(term);
  const [, field = '', operator = '', raw = ''] = match ?? [];
  if (match === null) {
    throw errors.badRequest(`invalid selector: '${whole}'; can't understand '${term}'`);
  }
  return { field, operator: operator === '!=' ? '!=' : '=', value: unescape(raw) };
}

function unescape(raw: string): string {
  return raw.replaceAll(/\\([\\,=])|\\|=/gs, (sequence, escaped: string | undefined) => {
    if (escaped !== undefined) return escaped;
    throw errors.badRequest(`invalid field selector: unescaped or invalid character in value: ${sequence}`);
  });
}

/** Refuses fields the resource does not publish. `published` as given by `fieldsOf`'s keys. */
export function checkFieldsSupported(matcher: FieldMatcher, published: ReadonlySet<string>): void {
  for (const { field } of matcher.requirements) {
    if (!published.has(field)) throw errors.badRequest(`field label not supported: ${field}`);
  }
}
