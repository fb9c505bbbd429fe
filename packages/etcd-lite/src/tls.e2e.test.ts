import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request, type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { eventually } from '@kubelab/component-base/testing';
import { createAuthority, issueCertificate, type KeyPair } from '@kubelab/pki';
import { ProcessCluster } from './testing/processes.ts';
import { isInstalled } from './testing/targets.ts';

/** A request of its own connection: the status, and the certificate that the server showed. */
function ask(
  url: string,
  options: RequestOptions,
): Promise<{ status: number; certificate: X509Certificate }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false, ...options }, (response) => {
      const certificate = (response.socket as TLSSocket).getPeerX509Certificate();
      response.resume().once('end', () => {
        if (certificate === undefined) reject(new Error('no certificate'));
        else resolve({ status: response.statusCode ?? 0, certificate });
      });
    });
    sent.once('error', reject).end();
  });
}

/** A member over https with a CA of its own, whose files are in `folder`. */
class SecureMember {
  readonly folder: string;
  readonly authority: KeyPair;
  cluster: ProcessCluster | undefined;

  private constructor(folder: string, authority: KeyPair) {
    this.folder = folder;
    this.authority = authority;
  }

  static async make(): Promise<SecureMember> {
    const folder = await mkdtemp(join(tmpdir(), 'etcd-lite-tls-'));
    const member = new SecureMember(folder, await createAuthority('ca', Date.now()));
    await writeFile(join(folder, 'ca.crt'), member.authority.cert);
    return member;
  }

  path(file: string): string {
    return join(this.folder, file);
  }

  async issue(commonName: string, dnsNames: readonly string[] = ['localhost']): Promise<KeyPair> {
    const request = {
      commonName,
      dnsNames,
      ipAddresses: ['127.0.0.1'],
      usages: ['server', 'client'],
    } as const;
    return issueCertificate(this.authority, request, Date.now());
  }

  async install(pair: KeyPair): Promise<void> {
    await writeFile(this.path('server.crt'), pair.cert);
    await writeFile(this.path('server.key'), pair.key);
  }

  async start(flags: readonly string[]): Promise<string> {
    this.cluster = await ProcessCluster.start(1, flags, 'https');
    const url = this.cluster.endpoints[0] ?? '';
    return `${url}/health?serializable=true`;
  }

  async stop(): Promise<void> {
    await this.cluster?.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

suite('certificates', { concurrency: false }, () => {
  let member: SecureMember;
  let url: string;
  let client: KeyPair;
  let files: readonly string[];
  before(async () => {
    member = await SecureMember.make();
    await member.install(await member.issue('first'));
    client = await member.issue('client');
    const at = (file: string): string => member.path(file);
    files = ['', 'peer-'].flatMap((prefix) => [
      `--${prefix}cert-file=${at('server.crt')}`,
      `--${prefix}key-file=${at('server.key')}`,
      `--${prefix}trusted-ca-file=${at('ca.crt')}`,
    ]);
    url = await member.start([...files, '--client-cert-auth', '--client-cert-allowed-hostname=localhost']);
    await eventually('it answers', () => ask(url, { ca: member.authority.cert, ...client }), 15_000);
  });
  after(() => member.stop());

  test('new ones are shown from the next handshake on, without a restart', async () => {
    const options = { ca: member.authority.cert, ...client };
    assert.match((await ask(url, options)).certificate.subject, /CN=first/);
    await member.install(await member.issue('second'));
    assert.match((await ask(url, options)).certificate.subject, /CN=second/);
  });

  test('a key that does not fit changes nothing, until the right one comes', async () => {
    const options = { ca: member.authority.cert, ...client };
    const third = await member.issue('third');
    const shown = (await ask(url, options)).certificate.subject;
    await writeFile(member.path('server.crt'), third.cert);
    await writeFile(member.path('server.key'), 'not a key at all');
    assert.equal((await ask(url, options)).certificate.subject, shown);
    await writeFile(member.path('server.key'), third.key);
    assert.match((await ask(url, options)).certificate.subject, /CN=third/);
  });

  test('a new CA lets its clients in, and those of the old one no more', async () => {
    const options = { ca: member.authority.cert };
    const other = await createAuthority('other', Date.now());
    const stranger = await issueCertificate(
      other,
      { commonName: 'stranger', dnsNames: ['localhost'], usages: ['client'] },
      Date.now(),
    );
    await assert.rejects(ask(url, { ...options, ...stranger }));
    await writeFile(member.path('ca.crt'), other.cert);
    assert.equal((await ask(url, { ...options, ...stranger })).status, 200);
    await assert.rejects(ask(url, { ...options, ...client }));
    await writeFile(member.path('ca.crt'), member.authority.cert);
  });

  test('a certificate for another name than those allowed is turned away', async () => {
    const elsewhere = await member.issue('client', ['elsewhere.example']);
    await assert.rejects(ask(url, { ca: member.authority.cert, ...elsewhere }));
    await assert.rejects(ask(url, { ca: member.authority.cert }), 'none at all');
  });
});

suite('certificates of other kinds', { concurrency: false }, () => {
  test('--auto-tls makes one and keeps it', async () => {
    const cluster = await ProcessCluster.start(1, ['--auto-tls', '--peer-auto-tls'], 'https');
    try {
      const url = `${cluster.endpoints[0]}/health`;
      const options = { rejectUnauthorized: false };
      const first = await eventually('it answers', () => ask(url, options), 15_000);
      assert.match(first.certificate.subjectAltName ?? '', /127\.0\.0\.1/);
      await cluster.end('etcd-1', 'SIGTERM');
      cluster.startMember('etcd-1');
      const again = await eventually('it answers again', () => ask(url, options), 15_000);
      assert.equal(again.certificate.fingerprint256, first.certificate.fingerprint256);
    } finally {
      await cluster.stop();
    }
  });

  test('members that have made their own find each other', async () => {
    const cluster = await ProcessCluster.start(3, ['--auto-tls', '--peer-auto-tls'], 'https');
    try {
      const healthy = async (): Promise<true | undefined> => {
        const { status } = await ask(`${cluster.endpoints[2]}/health`, { rejectUnauthorized: false });
        return status === 200 || undefined;
      };
      await eventually('there is a leader', healthy, 20_000);
    } finally {
      await cluster.stop();
    }
  });

  test('revoked ones are turned away', { skip: !isInstalled('openssl') && 'no openssl' }, async () => {
    const member = await SecureMember.make();
    try {
      await member.install(await member.issue('server'));
      const [good, bad] = [await member.issue('good'), await member.issue('bad')];
      await writeFile(member.path('ca.key'), member.authority.key);
      await writeFile(member.path('crl.pem'), await revocationList(member, bad));
      const url = await member.start([
        `--cert-file=${member.path('server.crt')}`,
        `--key-file=${member.path('server.key')}`,
        `--trusted-ca-file=${member.path('ca.crt')}`,
        `--client-crl-file=${member.path('crl.pem')}`,
        '--peer-auto-tls',
      ]);
      const ca = member.authority.cert;
      await eventually('it answers', () => ask(url, { ca, ...good }), 15_000);
      await assert.rejects(ask(url, { ca, ...bad }));
    } finally {
      await member.stop();
    }
  });
});

async function revocationList(member: SecureMember, revoked: KeyPair): Promise<string> {
  const { serialNumber } = new X509Certificate(revoked.cert);
  const serial = serialNumber.length % 2 === 0 ? serialNumber : `0${serialNumber}`;
  const config = `[ca]\ndefault_ca=own\n[own]\ndatabase=${member.path('index.txt')}\ndefault_md=sha256\ndefault_crl_days=1\n`;
  await writeFile(member.path('ca.cnf'), config);
  await writeFile(member.path('index.txt'), `R\t351231235959Z\t200101000000Z\t${serial}\tunknown\t/CN=bad\n`);
  const args = ['ca', '-config', member.path('ca.cnf'), '-gencrl', '-out', member.path('crl.out')];
  execFileSync('openssl', [...args, '-keyfile', member.path('ca.key'), '-cert', member.path('ca.crt')], {
    stdio: 'pipe',
  });
  return readFile(member.path('crl.out'), 'utf8');
}
