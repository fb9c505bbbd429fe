import type { Member } from '../shell/member.ts';
import { type AccessOptions, withAccess } from './access.ts';
import { gateway } from './gateway/gateway.ts';
import { checkHandlers, HealthCounts, healthHandler, probed } from './health.ts';
import { type HttpHandler, plainError } from './message.ts';
import { metricsHandler } from './metrics/handler.ts';
import type { RpcTable } from './rpc-table.ts';
import { versionHandler } from './version.ts';

export interface SiteOptions extends AccessOptions {
  /** `--enable-grpc-gateway` */
  readonly hasGateway: boolean;
  /** Of one request of the JSON gateway. */
  readonly requestBytesMax: number;
}

/** What a member answers over HTTP. */
export interface Site {
  /** At the URLs of clients: health, metrics, version, the JSON gateway. */
  readonly clients: HttpHandler;
  /** At `--listen-metrics-urls`: health and metrics. */
  readonly metrics: HttpHandler;
}

export function makeSite(member: Member, rpcs: RpcTable, options: SiteOptions): Site {
  const counts = new HealthCounts();
  const target = probed(member);
  const probes: readonly (readonly [string, HttpHandler])[] = [
    ['/health', healthHandler(target, counts)],
    ...checkHandlers(target, counts),
    ['/metrics', metricsHandler({ member, rpcs, health: counts })],
  ];
  const json = options.hasGateway ? gateway(rpcs, options) : undefined;
  const clients = new Map([...probes, ['/version', versionHandler] as const]);
  return {
    clients: withAccess(options, (request) => {
      if (json !== undefined && /^\/v3(beta)?\//.test(request.path)) return json(request);
      return (clients.get(request.path) ?? notFound)(request);
    }),
    metrics: withAccess(options, (request) => (new Map(probes).get(request.path) ?? notFound)(request)),
  };
}

const notFound: HttpHandler = () => plainError(404, '404 page not found');
