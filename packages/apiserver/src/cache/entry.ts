import type { KubeObject } from '@kubelab/api';

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED';

/**
 * One version of one object. The JSON text lies inside its own watch frame, so that a watch event costs no
 * copy:
 *
 *   {"type":"MODIFIED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"7","name":"web",…}}\n
 *                               └──────────────────────────── bytes ────────────────────────────────────────┘
 *
 * The parsed object is shared by everyone and read-only; whoever changes it takes a `copy`.
 */
export class CacheEntry {
  /** `namespace/name`, or `name`. */
  readonly key: string;
  readonly revision: number;
  readonly #frame: Buffer;
  readonly #frameType: WatchEventType;
  #object: KubeObject | undefined;
  #fields: Readonly<Record<string, string>> | undefined;

  private constructor(key: string, revision: number, frame: Buffer, frameType: WatchEventType) {
    this.key = key;
    this.revision = revision;
    this.#frame = frame;
    this.#frameType = frameType;
  }

  /** From a stored value, which lacks the resourceVersion. Throws SyntaxError when it is no JSON object. */
  static fromStored(key: string, revision: number, stored: Uint8Array, type: WatchEventType): CacheEntry {
    return new CacheEntry(key, revision, frameOf(type, spliceRevision(stored, revision)), type);
  }

  /** The object's JSON with `metadata.resourceVersion`. */
  get bytes(): Buffer {
    return this.#frame.subarray(headOf(this.#frameType).length, this.#frame.length - TAIL.length);
  }

  get object(): KubeObject {
    this.#object ??= JSON.parse(this.bytes.toString()) as KubeObject;
    return this.#object;
  }

  /** A copy of its own for who wants to change it. */
  copy(): KubeObject {
    return JSON.parse(this.bytes.toString()) as KubeObject;
  }

  get namespace(): string {
    const slash = this.key.indexOf('/');
    return slash < 0 ? '' : this.key.slice(0, slash);
  }

  get name(): string {
    return this.key.slice(this.key.indexOf('/') + 1);
  }

  /** The whole watch frame of this version as `type`. */
  frame(type: WatchEventType): Buffer {
    return type === this.#frameType ? this.#frame : frameOf(type, [this.bytes]);
  }

  /**
   * The same object as of a later revision: what a watcher sees when the object was deleted, or left its
   * selection.
   */
  atRevision(revision: number, type: WatchEventType): CacheEntry {
    return new CacheEntry(this.key, revision, frameOf(type, replaceRevision(this.bytes, revision)), type);
  }

  /** Values of the fields that selectors may name; computed once. */
  fields(compute: (object: KubeObject) => Record<string, string>): Readonly<Record<string, string>> {
    this.#fields ??= compute(this.object);
    return this.#fields;
  }

  /** Frees the parsed form: superseded versions are kept for replay, mostly unread. */
  release(): void {
    this.#object = undefined;
    this.#fields = undefined;
  }
}

const HEADS = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
} as const;
const TAIL = Buffer.from('}\n');

function headOf(type: WatchEventType): Buffer {
  return HEADS[type];
}

function frameOf(type: WatchEventType, parts: readonly Uint8Array[]): Buffer {
  const all = [headOf(type), ...parts, TAIL];
  const frame = Buffer.allocUnsafeSlow(all.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of all) {
    frame.set(part, at);
    at += part.length;
  }
  return frame;
}

const METADATA = Buffer.from('"metadata":{');
const VERSION_KEY = Buffer.from('"resourceVersion":"');
/** kind and apiVersion come first in what we write; a value of another make may need the slow way. */
const METADATA_WITHIN_BYTES = 256;

/** The stored JSON with `"resourceVersion":"N",` put in as the first field of metadata. */
export function spliceRevision(stored: Uint8Array, revision: number): Uint8Array[] {
  const head = Buffer.from(stored.buffer, stored.byteOffset, Math.min(stored.length, METADATA_WITHIN_BYTES));
  const at = head.indexOf(METADATA);
  if (at < 0 || !isPlainHead(head, at)) return [rewritten(stored, revision)];
  const after = at + METADATA.length;
  const isEmpty = stored[after] === 0x7d;
  return [
    stored.subarray(0, after),
    Buffer.from(`"resourceVersion":"${revision}"${isEmpty ? '' : ','}`),
    stored.subarray(after),
  ];
}

/** Only kind and apiVersion stand before metadata: then the brace found is metadata's own. */
function isPlainHead(head: Buffer, metadataAt: number): boolean {
  const text = head.toString('latin1', 0, metadataAt);
  return /^\{"kind":"[\w.]+","apiVersion":"[\w./-]+",$/.test(text);
}

function rewritten(stored: Uint8Array, revision: number): Uint8Array {
  const { kind, apiVersion, metadata, ...rest } = JSON.parse(Buffer.from(stored).toString()) as KubeObject;
  return Buffer.from(
    JSON.stringify({ kind, apiVersion, metadata: firstVersion(metadata, revision), ...rest }),
  );
}

function firstVersion({ resourceVersion: _, ...metadata }: KubeObject['metadata'], revision: number): object {
  return { resourceVersion: String(revision), ...metadata };
}

function replaceRevision(bytes: Buffer, revision: number): Uint8Array[] {
  const start = bytes.indexOf(VERSION_KEY) + VERSION_KEY.length;
  const end = bytes.indexOf(0x22, start);
  return [bytes.subarray(0, start), Buffer.from(String(revision)), bytes.subarray(end)];
}

/**
 * The text to store: kind, apiVersion, metadata first (see `spliceRevision`), without the resourceVersion,
 * which is the store's to give.
 */
export function encodeForStore(object: KubeObject): Buffer {
  const { kind, apiVersion, metadata, ...rest } = object;
  const { resourceVersion: _, ...stored } = metadata;
  return Buffer.from(JSON.stringify({ kind, apiVersion, metadata: stored, ...rest }));
}
