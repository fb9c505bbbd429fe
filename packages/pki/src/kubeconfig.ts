import type { KeyPair } from './authority.ts';

export interface KubeconfigInput {
  /** Names the cluster and the context. */
  readonly cluster: string;
  readonly server: string;
  readonly user: string;
  /** CA certificate, PEM. */
  readonly ca: string;
  readonly client: KeyPair;
  readonly namespace?: string;
  /** The name to verify when it is not the URL's host. */
  readonly tlsServerName?: string;
}

/** A kubeconfig with everything inside, as JSON: valid YAML, and readable without a YAML parser. */
export function kubeconfigText(input: KubeconfigInput): string {
  const context = `${input.user}@${input.cluster}`;
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': context,
    clusters: [
      {
        name: input.cluster,
        cluster: {
          server: input.server,
          'certificate-authority-data': base64(input.ca),
          ...(input.tlsServerName === undefined ? {} : { 'tls-server-name': input.tlsServerName }),
        },
      },
    ],
    users: [
      {
        name: input.user,
        user: {
          'client-certificate-data': base64(input.client.cert),
          'client-key-data': base64(input.client.key),
        },
      },
    ],
    contexts: [
      {
        name: context,
        context: {
          cluster: input.cluster,
          user: input.user,
          ...(input.namespace === undefined ? {} : { namespace: input.namespace }),
        },
      },
    ],
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
