import type { OutgoingHttpHeaders } from 'node:http2';
import { RpcError, StatusCode } from '../status.ts';

export const CONTENT_TYPE = 'application/grpc';
export const ACCEPTED_ENCODINGS = 'identity,gzip';

/** `application/grpc`, or that with a codec or parameters; anything else is no gRPC. */
export function isGrpc(contentType: string | undefined): boolean {
  if (contentType === undefined || !contentType.startsWith(CONTENT_TYPE)) return false;
  const next = contentType[CONTENT_TYPE.length];
  return next === undefined || next === '+' || next === ';';
}

/** `100m` → 100: up to eight digits and a unit, H M S m u n. Undefined without a header: no deadline. */
export function timeoutMsOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(header) ?? [];
  if (digits === undefined || unit === undefined) {
    throw new RpcError(StatusCode.INTERNAL, `malformed grpc-timeout: ${JSON.stringify(header)}`);
  }
  return Number(digits) * (MS_OF_UNIT[unit] ?? 0);
}

const MS_OF_UNIT: Readonly<Record<string, number>> = { H: 3.6e6, M: 6e4, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** What ends a call; with `TRAILERS_ONLY` before it, its whole answer. */
export function trailersOf({ code, details }: { code: number; details: string }): OutgoingHttpHeaders {
  return {
    'grpc-status': String(code),
    ...(details === '' ? {} : { 'grpc-message': percentEncoded(details) }),
  };
}

/**
 * gRPC's percent-encoding: printable ASCII but `%` stays as it is, every other byte of the UTF-8 text becomes
 * `%XX`, and so do spaces at the ends, which HTTP/2 does not allow there.
 */
export function percentEncoded(message: string): string {
  const text = message.slice(0, MESSAGE_LENGTH_MAX);
  if (/^(?! )[\x20-\x24\x26-\x7e]*(?<! )$/.test(text)) return text;
  let encoded = '';
  for (const byte of Buffer.from(text)) {
    const isPlain = byte > 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

/** Clients refuse blocks of headers that are much larger. */
const MESSAGE_LENGTH_MAX = 2048;
