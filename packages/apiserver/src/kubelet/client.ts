import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { apiErrorFrom, errors } from '@kubelab/api';
import { errorMessage } from '@kubelab/component-base';
import type { KubeletAddress } from './locate.ts';

/** What the API server shows the kubelets, and whom it believes them. */
export interface KubeletTls {
  readonly ca: string | Buffer | undefined;
  readonly cert: string | Buffer | undefined;
  readonly key: string | Buffer | undefined;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** Until the kubelet has answered; attaching may have to wait for the engine. */
const UPGRADE_TIMEOUT_MS = 30_000;
const ERROR_TEXT_BYTES_MAX = 64 * 1024;

/** A connection whose two ends have switched protocols. */
export interface Upgraded {
  readonly response: IncomingMessage;
  readonly socket: Socket;
  /** Bytes that came right behind the answer. */
  readonly head: Buffer;
}

/**
 * Speaks to kubelets. The address may be anything: it is the node's *name* that their certificate must carry.
 */
export class KubeletClient {
  readonly #tls: KubeletTls;

  constructor(tls: KubeletTls) {
    this.#tls = tls;
  }

  /** GET; resolves once the answer has begun and is a success. Throws ApiError with what the kubelet said. */
  async get(kubelet: KubeletAddress, path: string, signal: AbortSignal): Promise<IncomingMessage> {
    const url = `https://${kubelet.host}:${kubelet.port}${path}`;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = httpsRequest({
        ...this.#options(kubelet),
        path,
        method: 'GET',
        agent: false,
        signal,
        timeout: CONNECT_TIMEOUT_MS,
      });
      // The time limit is for connecting only: a log that is followed may be silent for long.
      request.once('timeout', () => request.destroy(new Error('timed out')));
      request.once('response', (answer) => {
        request.setTimeout(0);
        resolve(answer);
      });
      request.once('error', (error) => reject(errors.internalError(`Get "${url}": ${errorMessage(error)}`)));
      request.end();
    });
    const code = response.statusCode ?? 500;
    if (code >= 200 && code < 300) return response;
    throw apiErrorFrom({ code, message: await textOf(response) });
  }

  /**
   * Asks for an upgrade; resolves only when the kubelet has switched protocols. Throws ApiError with what it
   * said instead: then no byte
   * of the client may reach it any more, for it would be taken for a request of the API server's own
   * (CVE-2018-1002105).
   */
  upgrade(
    kubelet: KubeletAddress,
    what: {
      readonly method: string;
      readonly path: string;
      readonly headers: Record<string, string | string[]>;
    },
    signal: AbortSignal,
  ): Promise<Upgraded> {
    return new Promise((resolve, reject) => {
      const request = httpsRequest({
        ...this.#options(kubelet),
        ...what,
        agent: false,
        signal,
        timeout: UPGRADE_TIMEOUT_MS,
      });
      request.once('timeout', () => request.destroy(new Error('timed out')));
      request.once('upgrade', (response, socket, head) => {
        socket.setTimeout(0);
        socket.setNoDelay(true);
        resolve({ response, socket: socket, head });
      });
      request.once('response', (response) => {
        textOf(response).then(
          (message) => reject(apiErrorFrom({ code: Math.max(400, response.statusCode ?? 500), message })),
          reject,
        );
      });
      request.once('error', (error) => {
        reject(
          errors.internalError(
            `error dialing backend: dial tcp ${kubelet.host}:${kubelet.port}: ${errorMessage(error)}`,
          ),
        );
      });
      request.end();
    });
  }

  #options({ host, port, nodeName }: KubeletAddress) {
    const { ca, cert, key } = this.#tls;
    return {
      host,
      port,
      servername: nodeName,
      minVersion: 'TLSv1.2' as const,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    };
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > ERROR_TEXT_BYTES_MAX) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString().trim();
}
