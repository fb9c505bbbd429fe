import type { OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';

/** What Node's HTTP/2 stream keeps for itself: its side in C++. */
interface Handle {
  /** Names and values, each ended by a zero byte, a flags byte after each pair, and their number; negative: refused. */
  readonly trailers: (list: readonly [string, number]) => number;
}

export const OK_TRAILERS: OutgoingHttpHeaders = { 'grpc-status': '0' };
const OK_LIST = ['grpc-status\u00000\u0000\u0000', 1] as const;

/** Trailers of a stream that wants them. */
export function sendTrailers(stream: ServerHttp2Stream, trailers: OutgoingHttpHeaders): void {
  // The client may have cancelled while its last bytes were on their way.
  if (stream.destroyed || stream.closed) return;
  const isSent = trailers === OK_TRAILERS && sendAtOnce(stream);
  if (!isSent) stream.sendTrailers(trailers);
}

/**
 * `sendTrailers` waits for the next turn of the event loop, where they go in a write of their own: 20 to 40 µs more for
 * a client that waits for its one put. nghttp2 takes them while it sends the last data, and one write carries all.
 * False: this Node is made differently.
 */
function sendAtOnce(stream: ServerHttp2Stream): boolean {
  const handle = handleOf(stream);
  if (handle === undefined) return false;
  return handle.trailers(OK_LIST) >= 0;
}

/** Found on the first stream. */
let handleKey: symbol | undefined;

function handleOf(stream: ServerHttp2Stream): Handle | undefined {
  handleKey ??= Object.getOwnPropertySymbols(stream).find(({ description }) => description === 'kHandle');
  const handle: Handle | undefined = handleKey && Reflect.get(stream, handleKey);
  return typeof handle?.trailers === 'function' ? handle : undefined;
}
