import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { hostOf } from '../flags/urls.ts';

export interface SelfSigned {
  readonly cert: string;
  readonly key: string;
}

/**
 * A certificate of its own for the hosts that a member listens at (`--auto-tls`), made once and kept in
 * `<data-dir>/fixtures/<name>`, where etcd keeps its own. Nobody can verify it: it keeps out listeners, not liars.
 */
export async function selfSigned(
  dataDir: string,
  name: 'client' | 'peer',
  options: { readonly urls: readonly string[]; readonly years: number; readonly nowMs: number },
): Promise<SelfSigned> {
  const folder = join(dataDir, 'fixtures', name);
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  if (existsSync(files.cert) && existsSync(files.key)) return files;
  // Loaded only here: making certificates takes a library that takes its time.
  const { createAuthority, issueCertificate } = await import('@kubelab/pki');
  const hosts = options.urls.map(hostOf);
  const made = await issueCertificate(
    await createAuthority('etcd', options.nowMs),
    {
      commonName: 'etcd',
      organizations: ['etcd'],
      dnsNames: hosts.filter((host) => isIP(host) === 0),
      ipAddresses: hosts.filter((host) => isIP(host) !== 0),
      usages: ['server', 'client'],
      validDays: 365 * options.years,
    },
    options.nowMs,
  );
  for (const path of [dataDir, folder]) mkdirSync(path, { recursive: true, mode: 0o700 });
  writeFileSync(files.cert, made.cert);
  // Never readable by others, not even for a moment.
  writeFileSync(files.key, made.key, { mode: 0o600 });
  return files;
}
