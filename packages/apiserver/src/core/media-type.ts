/** What the client wants back (`Accept`). `as` tells the projection, `format` the text form. */
export interface Negotiated {
  readonly format: 'json' | 'yaml';
  readonly as: 'object' | 'table' | 'metadata';
  /** Content-Type of the answer. */
  readonly contentType: string;
  readonly version: 'v1' | 'v1beta1';
}

const JSON_OBJECT: Negotiated = {
  format: 'json',
  as: 'object',
  contentType: 'application/json',
  version: 'v1',
};

const ACCEPT_TYPES_MAX = 32;

/**
 * The first acceptable offer in the client's order; undefined means 406. Protobuf is never answered: clients
 * list JSON beside it.
 */
export function negotiate(accept: string | undefined): Negotiated | undefined {
  if (accept === undefined || accept.trim() === '') return JSON_OBJECT;
  for (const clause of accept.split(',').slice(0, ACCEPT_TYPES_MAX)) {
    const found = fromClause(parseMediaType(clause));
    if (found !== undefined) return found;
  }
  return undefined;
}

export interface MediaType {
  readonly type: string;
  readonly params: Readonly<Record<string, string>>;
}

/** `application/json;as=Table;v=v1` in parts, lower-case type. */
export function parseMediaType(text: string): MediaType {
  const [type = '', ...rest] = text.split(';');
  const params: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const part of rest) {
    const equals = part.indexOf('=');
    if (equals > 0) params[part.slice(0, equals).trim().toLowerCase()] = part.slice(equals + 1).trim();
  }
  return { type: type.trim().toLowerCase(), params };
}

function fromClause({ type, params }: MediaType): Negotiated | undefined {
  const format = formatOf(type);
  if (format === undefined) return undefined;
  const base = format === 'yaml' ? 'application/yaml' : 'application/json';
  const as = params['as'];
  if (as === undefined) return { ...JSON_OBJECT, format, contentType: base };
  const version = params['v'];
  if (params['g'] !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return undefined;
  const contentType = `${base};as=${as};v=${version};g=meta.k8s.io`;
  if (as === 'Table') return { format, as: 'table', contentType, version };
  if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') {
    return { format, as: 'metadata', contentType, version };
  }
  return undefined;
}

function formatOf(type: string): 'json' | 'yaml' | undefined {
  switch (type) {
    case 'application/json':
    case 'application/*':
    case '*/*':
    case '*':
      return 'json';
    case 'application/yaml':
    case 'application/x-yaml':
    case 'text/yaml':
      return 'yaml';
    default:
      return undefined;
  }
}

export const ACCEPTED_TYPES = ['application/json', 'application/yaml'] as const;
