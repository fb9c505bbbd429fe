import { generateKeyPairSync } from 'node:crypto';
import { type Clock, realClock, type Random, realRandom, silentLogger } from '@kubelab/component-base';
import type { ApiRequest, ApiResponse, ClientCertificate, Peer } from '../core/messages.ts';
import type { ApiServerConfig } from '../config.ts';
import { ApiServer } from '../server.ts';
import { MemoryStore } from './memory-store.ts';

const { privateKey, publicKey } = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

export const TEST_CONFIG: ApiServerConfig = {
  advertiseAddress: '10.0.0.1',
  securePort: 6443,
  serviceClusterIpRange: '10.96.0.0/24',
  serviceNodePortRange: '30000-30009',
  issuer: 'https://issuer.test',
  audiences: ['https://issuer.test'],
  signingKey: privateKey,
  publicKeys: [publicKey],
  tokenSecondsMax: 0,
  tokenFile: 'secret-token,static-user,1,"group-a,group-b"\n',
  kubelet: { ca: undefined, cert: undefined, key: undefined },
  notReadyTolerationSeconds: 300,
  unreachableTolerationSeconds: 300,
  eventTtlMs: 3_600_000,
  compactionIntervalMs: 0,
};

export interface Answer {
  readonly code: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
  readonly text: string;
  /** The body as JSON; loosely typed, as tests look at all kinds. */
  // oxlint-disable-next-line typescript/no-explicit-any -- a test may look into whatever was answered
  readonly json: any;
}

export interface Asked {
  /** A user by certificate: a name, or with groups. Absent: the administrator. `null`: nobody. */
  readonly as?: string | { readonly name: string; readonly groups: readonly string[] } | null;
  readonly token?: string;
  readonly body?: unknown;
  readonly bytes?: Uint8Array;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly peer?: Peer['certificate'];
}

/** An API server on an in-memory store, without ports: requests are handed in. */
export class Harness {
  readonly store: MemoryStore;
  readonly server: ApiServer;

  private constructor(store: MemoryStore, server: ApiServer) {
    this.store = store;
    this.server = server;
  }

  static async start(
    options: {
      readonly clock?: Clock;
      readonly random?: Random;
      readonly store?: MemoryStore;
      readonly config?: Partial<ApiServerConfig>;
    } = {},
  ): Promise<Harness> {
    const store = options.store ?? new MemoryStore();
    const { clock = realClock, random = realRandom } = options;
    const server = new ApiServer(
      { ...TEST_CONFIG, ...options.config },
      { store, clock, random, log: silentLogger },
    );
    await server.load();
    await server.bootstrap();
    return new Harness(store, server);
  }

  async stop(): Promise<void> {
    await this.server.stop();
  }

  /** `GET /api/v1/pods?limit=1` */
  async ask(line: string, asked: Asked = {}): Promise<Answer> {
    return readAnswer(await this.raw(line, asked));
  }

  raw(
    line: string,
    asked: Asked = {},
    signal: AbortSignal = new AbortController().signal,
  ): Promise<ApiResponse> {
    const [method = 'GET', url = '/'] = line.split(/ (.*)/s);
    const mark = url.indexOf('?');
    const bytes =
      asked.bytes ?? (asked.body === undefined ? new Uint8Array() : Buffer.from(JSON.stringify(asked.body)));
    const request: ApiRequest = {
      method,
      path: mark < 0 ? url : url.slice(0, mark),
      query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)),
      headers: {
        'content-type': asked.type ?? (asked.body === undefined ? undefined : 'application/json'),
        'user-agent': 'test/1',
        authorization: asked.token === undefined ? undefined : `Bearer ${asked.token}`,
        ...asked.headers,
      },
      peer: { address: 'test:1', certificate: asked.peer ?? certificateOf(asked) },
      body: () => Promise.resolve(bytes),
      signal,
    };
    return this.server.pipeline.handle(request);
  }

  /** Makes an object and gives it back as stored. */
  async make(path: string, body: object, asked: Asked = {}): Promise<Answer['json']> {
    const answer = await this.ask(`POST ${path}`, { ...asked, body });
    if (answer.code !== 201) throw new Error(`POST ${path}: ${answer.code} ${answer.text}`);
    return answer.json;
  }

  /** A namespace with its default service account. */
  async namespace(name: string): Promise<void> {
    await this.make('/api/v1/namespaces', { metadata: { name } });
    await this.make(`/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: 'default' } });
  }
}

function certificateOf({ as, token }: Asked): ClientCertificate | 'none' {
  if (as === null || (as === undefined && token !== undefined)) return 'none';
  const notAfterMs = Date.now() + 3_600_000;
  if (as === undefined) return { commonName: 'admin', organizations: ['system:masters'], notAfterMs };
  if (typeof as === 'string') return { commonName: as, organizations: [], notAfterMs };
  return { commonName: as.name, organizations: as.groups, notAfterMs };
}

function readAnswer(response: ApiResponse): Answer {
  if (response.kind !== 'body') throw new Error(`expected a body, got ${response.kind}`);
  const text = Buffer.from(response.body).toString();
  const isJson = response.headers['content-type']?.startsWith('application/json') === true;
  const { code, headers, warnings } = response;
  return { code, headers, warnings, text, json: isJson && text !== '' ? JSON.parse(text) : undefined };
}

export function pod(name: string, spec: object = {}, metadata: object = {}): object {
  return { metadata: { name, ...metadata }, spec: { containers: [{ name: 'c', image: 'nginx' }], ...spec } };
}

export const asNode = (name: string) => ({ name: `system:node:${name}`, groups: ['system:nodes'] });
