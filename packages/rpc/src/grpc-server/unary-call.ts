import type { ServerHttp2Stream } from 'node:http2';
import { RpcError, StatusCode } from '../status.ts';
import { Call, decode } from './call.ts';
import type { Connection } from './connection.ts';
import type { Method } from './methods.ts';

type UnaryMethod = Extract<Method, { kind: 'unary' }>;

/** One request, one answer. The handler starts with the request, whether or not the client has said its last. */
export class UnaryCall extends Call {
  readonly #method: UnaryMethod;
  #isStarted = false;

  constructor(
    connection: Connection,
    stream: ServerHttp2Stream,
    rawHeaders: readonly string[],
    method: UnaryMethod,
  ) {
    super(connection, stream, rawHeaders, method.path);
    this.#method = method;
  }

  override message(bytes: Uint8Array): void {
    // As in grpc-go, what follows the request is not looked at.
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.connection.whenRead(() => void this.#run(bytes));
  }

  protected override halfClosed(): void {
    if (!this.#isStarted) throw new RpcError(StatusCode.UNKNOWN, 'EOF');
  }

  protected override cutOff(): void {}

  async #run(bytes: Uint8Array): Promise<void> {
    if (this.isOver) return;
    try {
      const response = await this.#method.handler(
        decode(this.#method, bytes, 'error unmarshalling request:'),
        this,
      );
      if (!this.isOver) this.answer.reply(this.#method.frame(response));
    } catch (error) {
      this.fail(error);
    }
  }
}
