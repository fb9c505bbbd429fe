import { X509Certificate } from 'node:crypto';
import type { ServerDuplexStream, ServerUnaryCall, ServerWritableStream } from '@grpc/grpc-js';
import { realClock } from '@kubelab/component-base';
import type { CallInfo, ServerStream } from './handlers.ts';

type AnyCall = Pick<
  ServerUnaryCall<unknown, unknown>,
  'metadata' | 'getAuthContext' | 'getPeer' | 'getDeadline' | 'cancelled'
> & { on(event: 'cancelled', listener: () => void): unknown };

/** grpc-js' view of a call as ours. */
export class GrpcJsCall implements CallInfo {
  readonly path: string;
  readonly #call: AnyCall;
  #gone: AbortController | undefined;

  constructor(call: AnyCall, path: string) {
    this.#call = call;
    this.path = path;
  }

  header(name: string): string | undefined {
    return textOf(this.#call.metadata.get(name)[0]);
  }

  *headers(): Iterable<readonly [string, string]> {
    for (const [name, value] of Object.entries(this.#call.metadata.getMap())) {
      yield [name, textOf(value) ?? ''];
    }
  }

  get clientCertificate(): X509Certificate | undefined {
    const raw = this.#call.getAuthContext().sslPeerCertificate?.raw;
    return raw === undefined ? undefined : new X509Certificate(raw);
  }

  get clientCommonName(): string | undefined {
    const name = this.#call.getAuthContext().sslPeerCertificate?.subject.CN;
    return typeof name === 'string' ? name : undefined;
  }

  get deadlineMs(): number | undefined {
    const deadline = this.#call.getDeadline();
    if (deadline === Infinity) return undefined;
    return realClock.monotonic() + Number(deadline) - realClock.now();
  }

  get signal(): AbortSignal {
    if (this.#gone === undefined) {
      const gone = new AbortController();
      this.#gone = gone;
      if (this.#call.cancelled) gone.abort(new Error('the client is gone'));
      else this.#call.on('cancelled', () => gone.abort(new Error('the client is gone')));
    }
    return this.#gone.signal;
  }

  get peer(): string {
    return this.#call.getPeer();
  }
}

/** The same of a stream. */
export class GrpcJsStream<Req, Res> extends GrpcJsCall implements ServerStream<Req, Res> {
  readonly ended: Promise<void>;
  readonly #stream: ServerDuplexStream<Req, Res> | ServerWritableStream<Req, Res>;
  #drained: Promise<void> | undefined;

  constructor(stream: ServerDuplexStream<Req, Res> | ServerWritableStream<Req, Res>, path: string) {
    super(stream, path);
    this.#stream = stream;
    this.ended = this.#next('end');
  }

  get isOver(): boolean {
    return this.#stream.destroyed || this.#stream.cancelled;
  }

  onMessage(listener: (request: Req) => void): void {
    this.#stream.on('data', listener);
  }

  [Symbol.asyncIterator](): AsyncIterator<Req> {
    return (this.#stream as ServerDuplexStream<Req, Res>)[Symbol.asyncIterator]();
  }

  write(response: Res): boolean {
    return this.isOver || this.#stream.write(response);
  }

  drained(): Promise<void> {
    if (this.isOver || !this.#stream.writableNeedDrain) return Promise.resolve();
    this.#drained ??= this.#next('drain').then(() => {
      this.#drained = undefined;
    });
    return this.#drained;
  }

  #next(event: 'end' | 'drain'): Promise<void> {
    return new Promise((resolve) => {
      for (const each of [event, 'close', 'cancelled', 'error']) this.#stream.once(each, () => resolve());
    });
  }
}

function textOf(value: string | Buffer | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.toString('base64');
}
