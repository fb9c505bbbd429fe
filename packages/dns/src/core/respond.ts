import type { Packet } from 'dns-packet';
import { answerFromZone, type ClusterView, type DnsRecord, reverseName, type ZoneOptions } from './zone.ts';

/** Response codes of RFC 1035 §4.1.1, in the low four bits of the flags. */
const NXDOMAIN = 3;
const NOTIMP = 4;
const SERVFAIL = 2;
/** Bits of the kind of query; zero is the standard one. */
const OPCODE = 0x7800;

/** What a question turns into: an answer of our own, or a question for the upstream servers. */
export type Response = { readonly kind: 'packet'; readonly packet: Packet } | { readonly kind: 'forward' };

export interface RespondOptions extends ZoneOptions {
  /** The cluster's name for an address, if it has one. */
  reverse(address: string): string | undefined;
}

export function respond(view: ClusterView, options: RespondOptions, query: Packet): Response {
  const question = query.questions?.[0];
  if (question === undefined || ((query.flags ?? 0) & OPCODE) !== 0) return packet(reply(query, NOTIMP));
  const { name, type } = question;
  const address = type === 'PTR' ? reverseName(name) : undefined;
  if (address !== undefined) {
    const known = options.reverse(address);
    if (known !== undefined)
      return packet(reply(query, 0, [{ type: 'PTR', name, ttl: options.ttl, data: known }]));
    return { kind: 'forward' };
  }
  const answer = answerFromZone(view, options, name, type);
  switch (answer.kind) {
    case 'elsewhere':
      return { kind: 'forward' };
    case 'unknown':
      return packet({ ...reply(query, NXDOMAIN), authorities: [startOfAuthority(options)] });
    case 'answer': {
      // Resolvers expect the question's own spelling back.
      const answers = answer.records.map((record) => ({ ...record, name }));
      const authorities = answers.length === 0 ? [startOfAuthority(options)] : [];
      return packet({
        ...reply(query, 0, answers),
        additionals: answer.additionals as Packet['additionals'] & object,
        authorities,
      });
    }
  }
}

/** No upstream answered. */
export function serverFailure(query: Packet): Packet {
  return reply(query, SERVFAIL);
}

function packet(content: Packet): Response {
  return { kind: 'packet', packet: content };
}

const AUTHORITATIVE = 1 << 10;
const RECURSION_DESIRED = 1 << 8;
const RECURSION_AVAILABLE = 1 << 7;

function reply(query: Packet, code: number, answers: readonly DnsRecord[] = []): Packet {
  const asked = (query.flags ?? 0) & RECURSION_DESIRED;
  return {
    type: 'response',
    id: query.id ?? 0,
    flags: AUTHORITATIVE | RECURSION_AVAILABLE | asked | code,
    questions: query.questions ?? [],
    answers: [...answers] as NonNullable<Packet['answers']>,
  };
}

/** Tells how long "no" may be remembered: as short as an answer. */
function startOfAuthority({ domain, ttl }: ZoneOptions): NonNullable<Packet['authorities']>[number] {
  return {
    type: 'SOA',
    name: domain,
    ttl,
    data: {
      mname: `ns.dns.${domain}`,
      rname: `hostmaster.${domain}`,
      serial: 1,
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: ttl,
    },
  };
}
