import { RpcError, StatusCode } from '@kubelab/rpc';
import { type JsonValue, readJson, ValueSplitter } from '@kubelab/rpc/json';

/**
 * The JSON values of a request's body. What is wrong with them is thrown as a status, in the words that
 * grpc-gateway has for it.
 */
export class JsonBody {
  readonly #body: AsyncIterable<Uint8Array>;
  readonly #bytesMax: number;

  /** `bytesMax`: of one message as JSON. */
  constructor(body: AsyncIterable<Uint8Array>, bytesMax: number) {
    this.#body = body;
    this.#bytesMax = bytesMax;
  }

  /** The one value of a unary call; undefined: the body is empty. */
  async one(): Promise<JsonValue | undefined> {
    let text = '';
    for await (const piece of this.#pieces()) {
      text += piece;
      this.#limit(text.length);
    }
    return asStatus(() => readJson(text));
  }

  /** One value after the other, each as soon as it is there. */
  async *all(): AsyncGenerator<JsonValue> {
    const splitter = new ValueSplitter();
    for await (const piece of this.#pieces()) {
      for (const text of splitter.push(piece)) {
        this.#limit(text.length);
        const value = asStatus(() => readJson(text));
        if (value !== undefined) yield value;
      }
      this.#limit(splitter.heldLength);
    }
    const last = asStatus(() => readJson(splitter.rest()));
    if (last !== undefined) yield last;
  }

  async *#pieces(): AsyncGenerator<string> {
    const decoder = new TextDecoder();
    for await (const bytes of this.#body) yield decoder.decode(bytes, { stream: true });
    yield decoder.decode();
  }

  #limit(length: number): void {
    if (length <= this.#bytesMax) return;
    const message = `grpc: received message larger than max (${length} vs. ${this.#bytesMax})`;
    throw new RpcError(StatusCode.RESOURCE_EXHAUSTED, message);
  }
}

function asStatus<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new RpcError(StatusCode.INVALID_ARGUMENT, (error as Error).message, { cause: error });
  }
}
