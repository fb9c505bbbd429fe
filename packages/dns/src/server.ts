import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import { decode, encode, type Packet } from 'dns-packet';
import { errorMessage, type Logger } from '@kubelab/component-base';
import { type RespondOptions, respond, serverFailure } from './core/respond.ts';
import type { ClusterView } from './core/zone.ts';
import { FrameReader, frame } from './frames.ts';
import { forward } from './upstream.ts';

export interface DnsServerOptions {
  /** A specific address: an answer must come from where the question went (a wildcard socket may answer from another). */
  readonly address: string;
  readonly port: number;
  readonly view: ClusterView;
  readonly respond: RespondOptions;
  readonly upstream: readonly string[];
  readonly log: Logger;
}

/** Without EDNS a datagram holds this much (RFC 1035 §4.2.1). */
const UDP_BYTES = 512;
const TRUNCATED = 1 << 9;
const TCP_IDLE_MS = 10_000;
const TCP_CONNECTIONS_MAX = 256;

/** DNS over UDP and TCP: the cluster's names from the caches, everything else from the upstream servers. */
export class DnsServer {
  readonly #options: DnsServerOptions;
  readonly #udp: UdpSocket;
  readonly #tcp: Server;

  constructor(options: DnsServerOptions) {
    this.#options = options;
    this.#udp = createSocket('udp4', (message, { address, port }) => {
      void this.#answer(message, 'udp').then(
        (reply) => reply !== undefined && this.#udp.send(reply, port, address),
      );
    });
    this.#tcp = createServer((socket) => this.#serveConnection(socket));
    this.#tcp.maxConnections = TCP_CONNECTIONS_MAX;
  }

  async start(): Promise<void> {
    const { address, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#udp.once('error', reject);
      this.#udp.bind(port, address, resolve);
    });
    const bound = this.#udp.address().port;
    await new Promise<void>((resolve, reject) => {
      this.#tcp.once('error', reject);
      this.#tcp.listen(bound, address, resolve);
    });
    this.#udp.on('error', (error) => this.#options.log.warn('socket error', { err: error.message }));
  }

  get port(): number {
    return this.#udp.address().port;
  }

  stop(): void {
    this.#udp.close();
    this.#tcp.close();
  }

  #serveConnection(socket: Socket): void {
    const reader = new FrameReader();
    socket.setTimeout(TCP_IDLE_MS, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('data', (data) => {
      for (const message of reader.push(data)) {
        void this.#answer(message, 'tcp').then((reply) => reply !== undefined && socket.write(frame(reply)));
      }
    });
  }

  /** Undefined for what is no question at all. */
  async #answer(message: Uint8Array, transport: 'udp' | 'tcp'): Promise<Uint8Array | undefined> {
    const { view, upstream, log } = this.#options;
    let query: Packet;
    try {
      query = decode(Buffer.from(message));
      if (query.type !== 'query') return undefined;
    } catch (error) {
      log.debug('no DNS message', { err: errorMessage(error) });
      return undefined;
    }
    const response = respond(view, this.#options.respond, query);
    if (response.kind === 'forward') {
      return (await forward(upstream, message, transport)) ?? encode(serverFailure(query));
    }
    const complete = await this.#chase(query, response.packet);
    return transport === 'udp' ? fit(complete, query) : encode(complete);
  }

  /** Stub resolvers do not follow an ExternalName's CNAME themselves: the target's addresses go along. */
  async #chase(query: Packet, packet: Packet): Promise<Packet> {
    const alias = packet.answers?.[0];
    const type = query.questions?.[0]?.type;
    if (alias?.type !== 'CNAME' || (type !== 'A' && type !== 'AAAA')) return packet;
    const question = encode({
      type: 'query',
      id: query.id ?? 0,
      flags: 1 << 8,
      questions: [{ type, name: alias.data, class: 'IN' }],
    });
    const answer = await this.#answer(question, 'udp');
    return answer === undefined
      ? packet
      : { ...packet, answers: [alias, ...(decode(Buffer.from(answer)).answers ?? [])] };
  }
}

/** What does not fit a datagram is marked truncated, so that the client asks again over TCP. */
function fit(packet: Packet, query: Packet): Uint8Array {
  const bytes = encode(packet);
  const edns = query.additionals?.find(({ type }) => type === 'OPT');
  const most =
    edns !== undefined && 'udpPayloadSize' in edns ? Math.max(UDP_BYTES, edns.udpPayloadSize) : UDP_BYTES;
  if (bytes.length <= most) return bytes;
  return encode({
    ...packet,
    flags: (packet.flags ?? 0) | TRUNCATED,
    answers: [],
    additionals: [],
    authorities: [],
  });
}
