/** A body that is not what it should be; the message is upstream's and becomes part of a 400. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}
