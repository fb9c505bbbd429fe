import { GrpcServer, hostPort } from '@kubelab/rpc';
import type { EtcdFlags } from './flags/check.ts';
import { clientServerOptionsOf, siteOptionsOf } from './flags/derived.ts';
import type { HttpHandler } from './http/message.ts';
import type { RpcTable } from './http/rpc-table.ts';
import { requestListener } from './http/serve.ts';
import { makeSite } from './http/site.ts';
import type { Member } from './shell/member.ts';
import type { DoorSecurity } from './tls/door-security.ts';

/**
 * Everything that clients reach: gRPC and HTTP, one set of handlers, on the same ports; and ports for HTTP or
 * metrics alone, where the flags want some.
 */
export class ClientsDoor {
  readonly #options: {
    readonly member: Member;
    readonly rpcs: RpcTable;
    readonly flags: EtcdFlags;
    readonly security: DoorSecurity;
  };
  readonly #servers: GrpcServer[] = [];

  constructor(member: Member, rpcs: RpcTable, flags: EtcdFlags, security: DoorSecurity) {
    this.#options = { member, rpcs, flags, security };
  }

  /** Resolves when all ports are open. */
  async open(): Promise<void> {
    const { member, rpcs, flags } = this.#options;
    const site = makeSite(member, rpcs, siteOptionsOf(flags));
    const httpUrls = flags['listen-client-http-urls'] ?? [];
    const listener = (handler: HttpHandler) => requestListener(handler, member.options.log);
    const onHttp = listener(site.clients);
    const server = new GrpcServer({
      ...clientServerOptionsOf(flags),
      ...(httpUrls.length === 0 && { onHttp }),
    });
    rpcs.serveBy(server);
    await this.#listen(server, flags['listen-client-urls']);
    if (httpUrls.length > 0) await this.#listen(new GrpcServer({ onHttp }), httpUrls);
    const metricsUrls = flags['listen-metrics-urls'] ?? [];
    if (metricsUrls.length === 0) return;
    await this.#listen(new GrpcServer({ onHttp: listener(site.metrics) }), metricsUrls);
  }

  /** Lets calls under way finish for a while, then cuts them off. */
  async close(graceMs: number): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop(graceMs)));
  }

  async #listen(server: GrpcServer, urls: readonly string[]): Promise<void> {
    this.#servers.push(server);
    for (const url of urls) await server.listen(hostPort(url), this.#options.security.at(url));
  }
}
