import { describeRich, type RichRequest } from './rich-request.ts';

/** What a client asks; keys and values are text, every written value is written by one request only. */
export type Request =
  | { readonly type: 'put'; readonly key: string; readonly value: string; readonly lease: number }
  | { readonly type: 'delete'; readonly key: string; readonly end: string | undefined }
  | {
      readonly type: 'get';
      readonly key: string;
      readonly end: string | undefined;
      readonly serializable: boolean;
    }
  /** Puts if the key's mod revision is as expected (0: it does not exist), else reads it. */
  | { readonly type: 'cas'; readonly key: string; readonly expected: number; readonly value: string }
  | { readonly type: 'grant'; readonly lease: number; readonly ttlSeconds: number }
  | { readonly type: 'keep-alive'; readonly lease: number }
  | { readonly type: 'revoke'; readonly lease: number }
  | { readonly type: 'compact'; readonly revision: number };

/** A key as an answer tells it. */
export interface Seen {
  readonly key: string;
  readonly value: string;
  readonly modRevision: number;
  readonly createRevision: number;
  readonly version: number;
}

export interface Answer {
  readonly revision: number;
  /** Of reads (a cas that failed included): what was found. */
  readonly found?: readonly Seen[];
  readonly previous?: readonly Seen[];
  readonly succeeded?: boolean;
  readonly ttlSeconds?: number;
  /** Of requests of any shape: the answer as `checks/model.ts` would put it. */
  readonly text?: string;
  readonly hasWritten?: boolean;
  readonly keys?: readonly string[];
  readonly leases?: readonly number[];
  readonly hash?: number;
}

/** `unknown`: it may have happened, may happen later, or never. `refused`: it never happened. */
export type Outcome = 'pending' | 'ok' | 'refused' | 'unknown';

export interface Operation {
  readonly client: number;
  readonly request: Request | RichRequest;
  readonly invokedMs: number;
  returnedMs: number;
  outcome: Outcome;
  answer: Answer | undefined;
  /** Why it was refused, or may not have happened. */
  reason?: string;
}

export function describeRequest(request: Request | RichRequest): string {
  const range = (key: string, end: string | undefined): string =>
    end === undefined ? key : `${key}..${end}`;
  switch (request.type) {
    case 'put':
      return `put ${request.key} ${request.value}${request.lease === 0 ? '' : ` lease ${request.lease}`}`;
    case 'delete':
      return `delete ${range(request.key, request.end)}`;
    case 'get':
      return `get ${range(request.key, request.end)}${request.serializable ? ' serializable' : ''}`;
    case 'cas':
      return `cas ${request.key} ${request.expected} ${request.value}`;
    case 'grant':
      return `grant ${request.lease} ${request.ttlSeconds}s`;
    case 'keep-alive':
      return `keep-alive ${request.lease}`;
    case 'revoke':
      return `revoke ${request.lease}`;
    case 'compact':
      return `compact ${request.revision}`;
    default:
      return describeRich(request);
  }
}
