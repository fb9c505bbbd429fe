import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAuthority, issueCertificate } from '@kubelab/pki';

/** Certificates for loopback in a folder, and the flags that make etcd use them for clients and peers. */
export async function loopbackTls(
  folder: string,
): Promise<{ flags: string[]; ca: string; cert: string; key: string }> {
  const nowMs = Date.now();
  const authority = await createAuthority('etcd-ca', nowMs);
  const own = await issueCertificate(
    authority,
    { commonName: 'etcd', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'], usages: ['server', 'client'] },
    nowMs,
  );
  const ca = join(folder, 'ca.crt');
  const cert = join(folder, 'etcd.crt');
  const key = join(folder, 'etcd.key');
  await writeFile(ca, authority.cert);
  await writeFile(cert, own.cert);
  await writeFile(key, own.key);
  const flags = [
    ...[`--cert-file=${cert}`, `--key-file=${key}`, `--trusted-ca-file=${ca}`, '--client-cert-auth'],
    ...[
      `--peer-cert-file=${cert}`,
      `--peer-key-file=${key}`,
      `--peer-trusted-ca-file=${ca}`,
      '--peer-client-cert-auth',
    ],
  ];
  return { flags, ca, cert, key };
}
