import type { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { Logger } from '@kubelab/component-base';
import { type ClientTls, isSecure, type ServerTls } from '@kubelab/rpc';
import type { EtcdFlags } from '../flags/check.ts';
import { ConfigError } from '../flags/notice.ts';
import { ciphersOf } from './cipher-suites.ts';
import { freshFiles } from './fresh-files.ts';
import { selfSigned } from './self-signed.ts';

/** How a member shows itself at one of its doors, whom it lets in, and how it calls others with the same. */
export interface DoorSecurity {
  /** For URLs of this door: undefined for http. Throws for https without a certificate. */
  readonly at: (url: string) => ServerTls | undefined;
  /** To call members by https; undefined without a CA to know them by. */
  readonly outgoing: ClientTls | undefined;
}

export interface DoorOptions {
  readonly dataDir: string;
  readonly nowMs: number;
  readonly log: Logger;
}

interface Files {
  /** `''` or `peer-`: before the names of its flags. */
  readonly prefix: string;
  readonly urls: readonly string[];
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly ca: string | undefined;
  readonly crl: string | undefined;
  readonly isCertNeeded: boolean;
  readonly isAuto: boolean;
  readonly hosts: readonly string[];
  readonly commonNames: readonly string[];
}

export function clientDoor(flags: EtcdFlags, options: DoorOptions): Promise<DoorSecurity> {
  const files: Files = {
    prefix: '',
    urls: [...flags['listen-client-urls'], ...(flags['listen-client-http-urls'] ?? [])],
    cert: flags['cert-file'],
    key: flags['key-file'],
    ca: flags['trusted-ca-file'],
    crl: flags['client-crl-file'],
    isCertNeeded: flags['client-cert-auth'],
    isAuto: flags['auto-tls'],
    hosts: flags['client-cert-allowed-hostname'] ?? [],
    commonNames: [],
  };
  return doorSecurity(files, flags, options);
}

export function peerDoor(flags: EtcdFlags, options: DoorOptions): Promise<DoorSecurity> {
  const files: Files = {
    prefix: 'peer-',
    urls: flags['listen-peer-urls'],
    cert: flags['peer-cert-file'],
    key: flags['peer-key-file'],
    ca: flags['peer-trusted-ca-file'],
    crl: flags['peer-crl-file'],
    isCertNeeded: flags['peer-client-cert-auth'],
    isAuto: flags['peer-auto-tls'],
    hosts: flags['peer-cert-allowed-hostname'] ?? [],
    commonNames: flags['peer-cert-allowed-cn'] ?? [],
  };
  return doorSecurity(files, flags, options);
}

async function doorSecurity(given: Files, flags: EtcdFlags, options: DoorOptions): Promise<DoorSecurity> {
  const { prefix, isCertNeeded, hosts, commonNames } = given;
  const { log, dataDir, nowMs } = options;
  if ((given.cert === undefined) !== (given.key === undefined))
    throw new ConfigError(`--${prefix}cert-file and --${prefix}key-file must both be present`);
  if (isCertNeeded && given.ca === undefined)
    throw new ConfigError(`--${prefix}client-cert-auth needs --${prefix}trusted-ca-file`);
  if (hosts.length > 0 && commonNames.length > 0)
    throw new ConfigError(`AllowedCNs and AllowedHostnames are mutually exclusive`);
  const isMade = given.isAuto && given.cert === undefined;
  if (given.isAuto && !isMade)
    log.warn('ignoring auto TLS since certs given', { flag: `--${prefix}auto-tls` });
  const made = isMade
    ? await selfSigned(dataDir, prefix === '' ? 'client' : 'peer', {
        urls: given.urls,
        years: flags['self-signed-cert-validity'],
        nowMs,
      })
    : {};
  const files: Files = { ...given, ...made };
  const { server, outgoing } = readable(prefix, () => ({
    server: serverTls(files, flags, log),
    outgoing: outgoingTls(files, log, isMade),
  }));
  return {
    at: (url) => {
      if (!isSecure(url)) return undefined;
      if (server !== undefined) return server;
      const files = `--${prefix}cert-file, --${prefix}key-file`;
      const side = prefix === '' ? 'client' : 'peer';
      throw new ConfigError(
        `TLS key/cert (${files}) must be provided for ${side} url ${url} with HTTPS scheme`,
      );
    },
    outgoing,
  };
}

/** What is read, or an error that says by which flags it was to be. */
function readable<T>(prefix: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const flags = [
      'cert-file',
      'key-file',
      'trusted-ca-file',
      prefix === '' ? 'client-crl-file' : 'crl-file',
    ];
    const names = flags.map((flag) => `--${prefix}${flag}`).join(', ');
    throw new ConfigError(`${(error as Error).message} (one of ${names})`);
  }
}

function serverTls(files: Files, flags: EtcdFlags, log: Logger): ServerTls | undefined {
  const { cert, key, ca, crl, hosts, commonNames } = files;
  if (cert === undefined || key === undefined) return undefined;
  const max = flags['tls-max-version'];
  const fixed = {
    ciphers: ciphersOf(flags['cipher-suites'] ?? []),
    minVersion: flags['tls-min-version'] === 'TLS1.3' ? 'TLSv1.3' : 'TLSv1.2',
    maxVersion: max === 'TLS1.2' ? 'TLSv1.2' : 'TLSv1.3',
    accepts:
      hosts.length === 0 && commonNames.length === 0
        ? undefined
        : (certificate: X509Certificate) =>
            hosts.some(
              (host) => certificate.checkHost(host) !== undefined || certificate.checkIP(host) !== undefined,
            ) || commonNames.includes(commonNameOf(certificate)),
  } as const;
  const read = (): ServerTls => {
    const security = {
      ...fixed,
      cert: readFileSync(cert),
      key: readFileSync(key),
      // As in etcd, a trusted CA is enough to make certificates a must.
      clientCa: ca === undefined ? undefined : readFileSync(ca),
      crl: crl === undefined ? undefined : crlPem(readFileSync(crl)),
    };
    requireUsable({ ...security, ca: security.clientCa }, [cert, key]);
    return security;
  };
  const current = freshFiles(
    [cert, key, ca, crl].filter((path) => path !== undefined),
    read,
    log,
  );
  return { ...current(), current };
}

function outgoingTls({ cert, key, ca }: Files, log: Logger, isMade: boolean): ClientTls | undefined {
  if (isMade && cert !== undefined && key !== undefined) {
    const own = { cert: readFileSync(cert), key: readFileSync(key) };
    return { ...own, ca: own.cert, skipVerify: true };
  }
  if (ca === undefined) return undefined;
  const read = (): ClientTls => {
    const own =
      cert === undefined || key === undefined ? {} : { cert: readFileSync(cert), key: readFileSync(key) };
    const security = { ...own, ca: readFileSync(ca) };
    requireUsable(security, [cert, key, ca]);
    return security;
  };
  const current = freshFiles(
    [cert, key, ca].filter((path) => path !== undefined),
    read,
    log,
  );
  return { ...current(), current };
}

/** @throws Error that names the files */
function requireUsable(options: SecureContextOptions, paths: readonly (string | undefined)[]): void {
  try {
    createSecureContext(options);
  } catch (cause) {
    const files = paths.filter((path) => path !== undefined).join(', ');
    throw new Error(`${files}: ${(cause as Error).message}`, { cause });
  }
}

function commonNameOf({ subject }: X509Certificate): string {
  return /^CN=(.*)$/m.exec(subject)?.[1] ?? '';
}

/** etcd takes both forms. */
function crlPem(bytes: Buffer): Buffer | string {
  if (bytes.includes('-----BEGIN')) return bytes;
  const lines = bytes.toString('base64').replaceAll(/(.{64})/g, '$1\n');
  return `-----BEGIN X509 CRL-----\n${lines}\n-----END X509 CRL-----\n`;
}
