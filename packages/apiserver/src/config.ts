import type { KubeletTls } from './kubelet/client.ts';

/** What an API server is told; the flags, with files read. */
export interface ApiServerConfig {
  /** Address at which others reach it. */
  readonly advertiseAddress: string;
  readonly securePort: number;
  readonly serviceClusterIpRange: string;
  readonly serviceNodePortRange: string;
  readonly issuer: string;
  /** Audiences of this API: a token must be made for one of them. */
  readonly audiences: readonly string[];
  /** PEM. */
  readonly signingKey: string | Buffer;
  readonly publicKeys: readonly (string | Buffer)[];
  readonly tokenSecondsMax: number;
  readonly tokenFile: string | undefined;
  readonly kubelet: KubeletTls;
  readonly notReadyTolerationSeconds: number;
  readonly unreachableTolerationSeconds: number;
  readonly eventTtlMs: number;
  readonly compactionIntervalMs: number;
}
