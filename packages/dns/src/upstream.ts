import { createSocket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { FrameReader, frame } from './frames.ts';

const TIMEOUT_MS = 2000;
const DNS_PORT = 53;

/** The servers of a resolv.conf; loopback ones are left out, as they are another machine's stub resolver. */
export async function upstreamServers(path = '/etc/resolv.conf'): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].flatMap(([, server]) =>
    server === undefined || server.startsWith('127.') ? [] : [server],
  );
}

/** Asks the servers in turn, passing the message through as it is; undefined when none answers. */
export async function forward(
  servers: readonly string[],
  message: Uint8Array,
  transport: 'udp' | 'tcp',
): Promise<Uint8Array | undefined> {
  for (const server of servers) {
    const answer = await (transport === 'udp' ? askByUdp(server, message) : askByTcp(server, message));
    if (answer !== undefined) return answer;
  }
  return undefined;
}

function askByUdp(server: string, message: Uint8Array): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(server.includes(':') ? 'udp6' : 'udp4');
    const timer = setTimeout(() => finish(undefined), TIMEOUT_MS);
    const finish = (answer: Uint8Array | undefined) => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    socket.once('error', () => finish(undefined));
    // A connected socket takes answers from that server only.
    socket.connect(DNS_PORT, server, () => socket.send(message));
    socket.once('message', finish);
  });
}

function askByTcp(server: string, message: Uint8Array): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const reader = new FrameReader();
    const socket = connect({ host: server, port: DNS_PORT, timeout: TIMEOUT_MS }, () =>
      socket.write(frame(message)),
    );
    const finish = (answer: Uint8Array | undefined) => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('data', (data) => {
      const [answer] = reader.push(data);
      if (answer !== undefined) finish(answer);
    });
    socket
      .once('error', () => finish(undefined))
      .once('timeout', () => finish(undefined))
      .once('close', () => resolve(undefined));
  });
}
