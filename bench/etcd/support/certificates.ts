import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAuthority, issueCertificate } from '@kubelab/pki';
import type { StoreTls } from '../../support/store-cluster.ts';

/** A certificate for loopback and the authority that signed it, as files in that folder. */
export async function writeCertificates(folder: string): Promise<StoreTls> {
  const nowMs = Date.now();
  const authority = await createAuthority('bench-ca', nowMs);
  const names = { commonName: 'bench', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] };
  const server = await issueCertificate(authority, { ...names, usages: ['server'] }, nowMs);
  const files = { ca: join(folder, 'ca.crt'), cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
  await writeFile(files.ca, authority.cert);
  await writeFile(files.cert, server.cert);
  await writeFile(files.key, server.key);
  return files;
}
