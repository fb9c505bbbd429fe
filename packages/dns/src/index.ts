export { answerFromZone, type ClusterView, type ZoneAnswer } from './core/zone.ts';
export { DnsServer, type DnsServerOptions } from './server.ts';
