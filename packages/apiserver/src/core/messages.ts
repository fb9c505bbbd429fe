import type { CacheEntry } from '../cache/entry.ts';
import type { OutEvent, Watcher } from '../cache/watcher.ts';

/** A request as both doors hand it in; tests make one by hand. */
export interface ApiRequest {
  readonly method: string;
  /** Still percent-encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly peer: Peer;
  /** Reads the body once asked for; throws ApiError 413 beyond the limit. */
  body(): Promise<Uint8Array>;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
  /** The connection may be upgraded (exec, attach, port-forward): HTTP/1.1 with an Upgrade header. */
  readonly isUpgrade?: boolean;
}

/** What the transport knows of the other end. */
export interface Peer {
  readonly address: string;
  /**
   * `none`: it gave no certificate. `invalid`: it gave one that does not verify, which is worse than none.
   */
  readonly certificate: ClientCertificate | 'none' | 'invalid';
}

/** Of a certificate that verified against the client CA in the handshake. */
export interface ClientCertificate {
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** Wall clock ms: a connection can outlive its certificate. */
  readonly notAfterMs: number;
}

export type ApiResponse = BodyResponse | WatchResponse | StreamResponse;

interface ResponseBase {
  readonly code: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Texts for `Warning` headers. */
  readonly warnings: readonly string[];
}

export interface BodyResponse extends ResponseBase {
  readonly kind: 'body';
  readonly body: Uint8Array;
}

export interface WatchResponse extends ResponseBase {
  readonly kind: 'watch';
  readonly watcher: Watcher;
  readonly encoder: WatchEncoder;
  /** The server ends the watch cleanly after this time. */
  readonly timeoutMs: number;
}

/** How one watch's events are written. */
export interface WatchEncoder {
  /** A frame: `{"type":…,"object":…}` and a newline. */
  frame(event: OutEvent): Uint8Array;
  /** The object alone. */
  object(event: OutEvent): Uint8Array;
}

/** A body that goes on: logs that are followed. */
export interface StreamResponse extends ResponseBase {
  readonly kind: 'stream';
  readonly body: AsyncIterable<Uint8Array>;
}

/** What a verb comes to, before it is put into the form the client asked for. */
export type Outcome =
  | { readonly kind: 'entry'; readonly code: number; readonly entry: CacheEntry }
  | { readonly kind: 'object'; readonly code: number; readonly object: object }
  | { readonly kind: 'list'; readonly entries: readonly CacheEntry[]; readonly meta: ListMeta }
  | { readonly kind: 'watch'; readonly watcher: Watcher; readonly timeoutMs: number }
  | {
      readonly kind: 'stream';
      readonly code: number;
      readonly contentType: string;
      readonly body: AsyncIterable<Uint8Array>;
    };

export interface ListMeta {
  readonly resourceVersion: string;
  readonly continue?: string | undefined;
  readonly remainingItemCount?: number | undefined;
}
