import { errors } from '@kubelab/api';
import type { Clock, Logger } from '@kubelab/component-base';
import {
  addKubeApiService,
  type CallInfo,
  GrpcServer,
  type KubeWatchStream,
  RpcError,
  StatusCode,
} from '@kubelab/rpc';
import type { CallRequest, CallResponse, KubeVerb } from '@kubelab/rpc/kube-api';
import type { ApiRequest, ApiResponse } from '../core/messages.ts';
import { BODY_BYTES_MAX } from '../http/read-body.ts';
import type { Pipeline } from '../pipeline.ts';
import { errorBody } from '../respond/body.ts';
import { type TlsFiles, TlsListener } from './tls-listener.ts';
import { WatchStreamServer } from './watch-stream.ts';

export interface GrpcDoorOptions {
  readonly pipeline: Pipeline;
  readonly tls: TlsFiles;
  readonly clock: Clock;
  readonly log: Logger;
}

const METHOD_OF_VERB: Readonly<Record<KubeVerb, string>> = {
  get: 'GET',
  list: 'GET',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
};

/** Of an envelope around the largest body. */
const RECEIVE_BYTES_MAX = BODY_BYTES_MAX + 64 * 1024;
const STOP_GRACE_MS = 1000;

/**
 * Door 2: kubelab.api.v1.KubeApi, the same requests without HTTP/1.1 around them, and all watches of a
 * component on one stream.
 */
export class GrpcDoor {
  readonly #options: GrpcDoorOptions;
  readonly #server = new GrpcServer({ receiveBytesMax: RECEIVE_BYTES_MAX });
  readonly #listener: TlsListener;

  constructor(options: GrpcDoorOptions) {
    this.#options = options;
    addKubeApiService(this.#server, {
      call: (request, call) => this.#call(request, call),
      watch: (stream) => this.#watch(stream),
    });
    this.#listener = new TlsListener(options.tls, (socket) => this.#server.serve(socket), options.log);
  }

  listen(host: string, port: number): Promise<number> {
    return this.#listener.listen(host, port);
  }

  async close(): Promise<void> {
    this.#listener.stopListening();
    await this.#server.stop(STOP_GRACE_MS);
    this.#listener.destroyAll();
  }

  async #call(request: CallRequest, call: CallInfo): Promise<CallResponse> {
    const method = METHOD_OF_VERB[request.verb];
    const apiRequest = this.#request(call, {
      method: method ?? 'GET',
      path: request.path,
      query: new URLSearchParams(request.query),
      contentType: request.contentType,
      body: request.body,
      signal: call.signal,
    });
    if (method === undefined)
      return refusalOf(
        errors.badRequest(`unknown verb ${JSON.stringify(String(request.verb).slice(0, 40))}`),
      );
    return answerOf(await this.#options.pipeline.handle(apiRequest));
  }

  #watch(stream: KubeWatchStream): Promise<void> {
    const { pipeline, clock } = this.#options;
    const requestFor = (path: string, query: URLSearchParams, signal: AbortSignal): ApiRequest =>
      this.#request(stream, { method: 'GET', path, query, contentType: '', body: new Uint8Array(), signal });
    return new WatchStreamServer({ stream, pipeline, clock, requestFor }).serve();
  }

  #request(
    call: CallInfo,
    what: {
      readonly method: string;
      readonly path: string;
      readonly query: URLSearchParams;
      readonly contentType: string;
      readonly body: Uint8Array;
      readonly signal: AbortSignal;
    },
  ): ApiRequest {
    const peer = this.#listener.peerAt(call.peer);
    if (peer === undefined) throw new RpcError(StatusCode.UNAVAILABLE, 'the connection is gone');
    const headers: Record<string, string | undefined> = {
      'content-type': what.contentType === '' ? undefined : what.contentType,
      authorization: call.header('authorization'),
      'user-agent': call.header('user-agent'),
    };
    for (const [name, value] of call.headers()) {
      if (name.startsWith('impersonate-')) headers[name] = value;
    }
    const { method, path, query, body, signal } = what;
    return { method, path, query, headers, peer, body: () => Promise.resolve(body), signal };
  }
}

async function answerOf(response: ApiResponse): Promise<CallResponse> {
  const { code, warnings } = response;
  switch (response.kind) {
    case 'body':
      return { code, body: response.body, warnings };
    case 'watch':
      response.watcher.close('stopped');
      return refusalOf(errors.badRequest('a watch is opened on the Watch stream'));
    case 'stream': {
      const chunks: Uint8Array[] = [];
      let length = 0;
      for await (const chunk of response.body) {
        length += chunk.length;
        if (length > BODY_BYTES_MAX)
          return refusalOf(errors.requestEntityTooLarge(`limit is ${BODY_BYTES_MAX}`));
        chunks.push(chunk);
      }
      return { code, body: Buffer.concat(chunks), warnings };
    }
  }
}

function refusalOf(error: Parameters<typeof errorBody>[0]): CallResponse {
  return { code: error.code, body: errorBody(error).body, warnings: [] };
}
