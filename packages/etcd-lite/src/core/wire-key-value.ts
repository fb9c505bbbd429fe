import type { KeyValue } from '@kubelab/rpc/etcd';
import { KEY_ENCODING, type KeyText } from './keys.ts';
import { VarintReader } from './protobuf-bytes.ts';

/** Fields of `mvccpb.KeyValue` with their wire types. */
export const KEY_VALUE_TAGS = {
  key: 0x0a,
  createRevision: 0x10,
  modRevision: 0x18,
  version: 0x20,
  value: 0x2a,
  lease: 0x30,
} as const;

export type WireNumbers = Pick<KeyValue, 'createRevision' | 'modRevision' | 'version' | 'lease'>;

/** Where in its memory a `KeyValue` lies, and what it says but for the value. */
export interface WireKeyValue {
  /** In the `ArrayBuffer`. */
  readonly at: number;
  readonly length: number;
  readonly key: KeyText;
  readonly valueLength: number;
  readonly numbers: WireNumbers;
}

/**
 * Reads what `KeyVersion` has written, without copying: fields in ascending order, zeroes left out (0.3 µs; a
 * codec that makes an object of it takes 1.3). Throws a `RangeError` for anything else.
 */
export function readKeyValue(bytes: Buffer): WireKeyValue {
  const reader = new VarintReader(bytes);
  const keyLength = reader.bytesFieldLength(KEY_VALUE_TAGS.key);
  const key = bytes.toString(KEY_ENCODING, reader.at - keyLength, reader.at);
  const createRevision = reader.numberField(KEY_VALUE_TAGS.createRevision);
  const modRevision = reader.numberField(KEY_VALUE_TAGS.modRevision);
  const version = reader.numberField(KEY_VALUE_TAGS.version);
  const valueLength = reader.bytesFieldLength(KEY_VALUE_TAGS.value);
  const lease = reader.int64Field(KEY_VALUE_TAGS.lease);
  if (!reader.isAtEnd || keyLength === 0) throw new RangeError('not a key with its value');
  const numbers = { createRevision, modRevision, version, lease };
  return { at: bytes.byteOffset, length: bytes.length, key, valueLength, numbers };
}
