import type { Clock } from '@kubelab/component-base';
import { rpcErrorFrom } from '@kubelab/rpc';
import { Histogram } from '../core/histogram.ts';

const GO_TYPES = { unary: 'unary', serverStream: 'server_stream', bidi: 'bidi_stream' } as const;

/** What one RPC has done: plain numbers, read when metrics are scraped. */
export class CallCounts {
  readonly goType: (typeof GO_TYPES)[keyof typeof GO_TYPES];
  /** go-grpc-prometheus' buckets; undefined: nobody wants them. */
  readonly seconds: Histogram | undefined;
  started = 0;
  /** By gRPC status code: 0 is success. */
  readonly handled: number[] = [];
  /** Messages, and their bytes. */
  received = 0;
  receivedBytes = 0;
  sent = 0;
  sentBytes = 0;

  constructor(kind: keyof typeof GO_TYPES, isTimed: boolean) {
    this.goType = GO_TYPES[kind];
    this.seconds = isTimed
      ? new Histogram([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10])
      : undefined;
  }

  /** Begun and not answered. */
  get running(): number {
    return this.started - this.handled.reduce((sum, each) => sum + each, 0);
  }

  ended(code: number): void {
    this.handled[code] = (this.handled[code] ?? 0) + 1;
  }

  receives<T extends Uint8Array>(message: T): T {
    this.received++;
    this.receivedBytes += message.length;
    return message;
  }

  /** A message with gRPC's prefix. */
  sendsFrame<T extends Uint8Array>(frame: T): T {
    this.sent++;
    this.sentBytes += frame.length - FRAME_PREFIX_BYTES;
    return frame;
  }

  sends<T extends Uint8Array>(message: T): T {
    this.sent++;
    this.sentBytes += message.length;
    return message;
  }
}

/** Of the flag and the length before a message in gRPC's body. */
const FRAME_PREFIX_BYTES = 5;

/** The same handler; what it answers is passed on untouched, and noticed. */
export function counted<A extends unknown[], R>(
  handler: (...args: A) => R,
  counts: CallCounts,
  clock: Clock,
): (...args: A) => R {
  const succeeded = (): void => counts.ended(0);
  const failed = (error: unknown): void => counts.ended(rpcErrorFrom(error).code);
  const run = noticed(handler, succeeded, failed);
  const { seconds } = counts;
  return (...args) => {
    counts.started++;
    if (seconds === undefined) return run(...args);
    const startMs = clock.monotonic();
    const observe = (): void => seconds.observe((clock.monotonic() - startMs) / 1000);
    return noticed(run, observe, observe)(...args);
  };
}

function noticed<A extends unknown[], R>(
  handler: (...args: A) => R,
  succeeded: () => void,
  failed: (error: unknown) => void,
): (...args: A) => R {
  return (...args) => {
    let answer: R;
    try {
      answer = handler(...args);
    } catch (error) {
      failed(error);
      throw error;
    }
    if (answer instanceof Promise) void answer.then(succeeded, failed);
    else succeeded();
    return answer;
  };
}
