import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { Flags } from '@kubelab/component-base';
import type { ClientTls } from '@kubelab/rpc';
import type { ApiServerConfig } from './config.ts';
import type { FLAGS } from './flags.ts';

type ApiServerFlags = Flags<typeof FLAGS>;

export function readConfig(flags: ApiServerFlags, address: string): ApiServerConfig {
  const issuer = flags['service-account-issuer'];
  return {
    advertiseAddress: address,
    securePort: flags['secure-port'],
    serviceClusterIpRange: flags['service-cluster-ip-range'],
    serviceNodePortRange: flags['service-node-port-range'],
    issuer,
    audiences: flags['api-audiences'] ?? [issuer],
    signingKey: readFileSync(flags['service-account-signing-key-file']),
    publicKeys: flags['service-account-key-file'].map((path) => readFileSync(path)),
    tokenSecondsMax: Math.floor(flags['service-account-max-token-expiration'] / 1000),
    tokenFile:
      flags['token-auth-file'] === undefined ? undefined : readFileSync(flags['token-auth-file'], 'utf8'),
    kubelet: {
      ca: optional(flags['kubelet-certificate-authority']),
      cert: optional(flags['kubelet-client-certificate']),
      key: optional(flags['kubelet-client-key']),
    },
    notReadyTolerationSeconds: flags['default-not-ready-toleration-seconds'],
    unreachableTolerationSeconds: flags['default-unreachable-toleration-seconds'],
    eventTtlMs: flags['event-ttl'],
    compactionIntervalMs: flags['etcd-compaction-interval'],
  };
}

export function readEtcdTls(flags: ApiServerFlags): ClientTls | undefined {
  const ca = optional(flags['etcd-cafile']);
  const cert = optional(flags['etcd-certfile']);
  const key = optional(flags['etcd-keyfile']);
  if (ca === undefined) return undefined;
  return { ca, ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) };
}

export function readServingTls(flags: ApiServerFlags) {
  return {
    cert: readFileSync(flags['tls-cert-file']),
    key: readFileSync(flags['tls-private-key-file']),
    clientCa: readFileSync(flags['client-ca-file']),
  };
}

/** As told; else what it listens on; else the first address that is not loopback. */
export function advertiseAddress(flags: ApiServerFlags): string {
  const told = flags['advertise-address'];
  if (told !== undefined) return told;
  const bound = flags['bind-address'];
  if (bound !== '0.0.0.0' && bound !== '::') return bound;
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}

function optional(path: string | undefined): Buffer | undefined {
  return path === undefined ? undefined : readFileSync(path);
}
