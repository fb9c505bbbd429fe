import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ClientConfig } from './types.ts';

interface Cluster {
  readonly server?: string;
  readonly 'certificate-authority'?: string;
  readonly 'certificate-authority-data'?: string;
  readonly 'tls-server-name'?: string;
  readonly 'insecure-skip-tls-verify'?: boolean;
}
interface User {
  readonly 'client-certificate'?: string;
  readonly 'client-certificate-data'?: string;
  readonly 'client-key'?: string;
  readonly 'client-key-data'?: string;
  readonly token?: string;
  readonly tokenFile?: string;
}
interface Kubeconfig {
  readonly 'current-context'?: string;
  readonly contexts?: readonly { name: string; context: { cluster: string; user: string } }[];
  readonly clusters?: readonly { name: string; cluster: Cluster }[];
  readonly users?: readonly { name: string; user: User }[];
}

export interface KubeconfigOptions {
  /** Instead of the file's server: `--master`. */
  readonly servers?: readonly string[] | undefined;
  readonly userAgent: string;
}

/** Reads a kubeconfig (YAML or JSON; inline data or files beside it) and follows its current context. */
export async function loadKubeconfig(file: string, options: KubeconfigOptions): Promise<ClientConfig> {
  const config = (await parseConfig(await readFile(file, 'utf8'))) as Kubeconfig;
  const wrong = (why: string) => new Error(`invalid kubeconfig ${file}: ${why}`);

  const current = config['current-context'] ?? '';
  const context = config.contexts?.find(({ name }) => name === current)?.context;
  if (context === undefined) throw wrong(`context "${current}" does not exist`);
  const cluster = config.clusters?.find(({ name }) => name === context.cluster)?.cluster;
  if (cluster === undefined) throw wrong(`cluster "${context.cluster}" does not exist`);
  const user = config.users?.find(({ name }) => name === context.user)?.user ?? {};
  if (cluster['insecure-skip-tls-verify'] === true) throw wrong('insecure-skip-tls-verify is not supported');

  const given = options.servers ?? [];
  const servers = given.length > 0 ? given : [cluster.server].filter((server) => server !== undefined);
  if (servers.length === 0) throw wrong(`cluster "${context.cluster}" names no server`);
  for (const server of servers) {
    if (!/^(https?|grpcs?):\/\//.test(server)) throw wrong(`"${server}" is no https:// or grpcs:// URL`);
  }

  const dataOrFile = (data: string | undefined, name: string | undefined) => {
    if (data !== undefined) return Buffer.from(data, 'base64');
    return name === undefined ? undefined : readFile(path.resolve(path.dirname(file), name));
  };
  const tokenText = user.token ?? (await dataOrFile(undefined, user.tokenFile))?.toString('utf8').trim();
  return {
    servers,
    ca: await dataOrFile(cluster['certificate-authority-data'], cluster['certificate-authority']),
    cert: await dataOrFile(user['client-certificate-data'], user['client-certificate']),
    key: await dataOrFile(user['client-key-data'], user['client-key']),
    token: tokenText,
    serverName: cluster['tls-server-name'],
    userAgent: options.userAgent,
  };
}

/** YAML or JSON. The YAML parser is loaded only for YAML. */
export async function parseConfig(text: string): Promise<unknown> {
  if (text.trimStart().startsWith('{')) return JSON.parse(text) as unknown;
  const yaml = await import('yaml');
  return (yaml.parse(text) as unknown) ?? {};
}
