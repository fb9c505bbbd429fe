/**
 * The channel sub-protocols of remote commands (exec, attach): every binary WebSocket message is one byte that names the
 * channel, then its payload. v5 is v4 plus the close message, by which a client can end stdin and still read the answer.
 * Upstream: `k8s.io/apimachinery/pkg/util/remotecommand/constants.go`.
 */
export const CHANNEL_PROTOCOL_V5 = 'v5.channel.k8s.io';
export const CHANNEL_PROTOCOL_V4 = 'v4.channel.k8s.io';

/** In order of preference. */
export const CHANNEL_PROTOCOLS = [CHANNEL_PROTOCOL_V5, CHANNEL_PROTOCOL_V4] as const;
export type ChannelProtocol = (typeof CHANNEL_PROTOCOLS)[number];

export const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

export interface Frame {
  readonly channel: number;
  readonly payload: Uint8Array;
}

/** The first protocol of ours that the client offers too. */
export function negotiate(offered: readonly string[]): ChannelProtocol | undefined {
  return CHANNEL_PROTOCOLS.find((protocol) => offered.includes(protocol));
}

export function encodeFrame(channel: number, payload: Uint8Array | string): Uint8Array {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const frame = Buffer.allocUnsafe(bytes.length + 1);
  frame[0] = channel;
  frame.set(bytes, 1);
  return frame;
}

/** `undefined` for an empty message, which names no channel. */
export function decodeFrame(message: Uint8Array): Frame | undefined {
  const channel = message[0];
  return channel === undefined ? undefined : { channel, payload: message.subarray(1) };
}

export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** `{"Width":80,"Height":24}`; undefined for anything else, as a broken size must not end a session. */
export function parseResize(payload: Uint8Array): TerminalSize | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(payload).toString('utf8'));
    if (typeof value !== 'object' || value === null || !('Width' in value) || !('Height' in value)) {
      return undefined;
    }
    const { Width: width, Height: height } = value;
    const valid = [width, height].every((side) => Number.isInteger(side) && Number(side) >= 0);
    return valid ? { width: Number(width), height: Number(height) } : undefined;
  } catch {
    // Not JSON: the same as a size that makes no sense.
    return undefined;
  }
}
