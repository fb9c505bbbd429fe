import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { eventually } from '@kubelab/component-base/testing';
import { endProcess } from '@kubelab/rpc/testing';
import { ProcessCluster } from './testing/processes.ts';
import { isInstalled } from './testing/targets.ts';
import { loopbackTls } from './testing/tls.ts';

const run = promisify(execFile);

describe('unmodified etcdctl against three members over TLS', {
  skip: !isInstalled('etcdctl') && 'no etcdctl here',
}, () => {
  let cluster: ProcessCluster;
  let folder: string;
  let env: NodeJS.ProcessEnv;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'etcd-tls-'));
    const { flags, ca, cert, key } = await loopbackTls(folder);
    cluster = await ProcessCluster.start(3, flags, 'https');
    env = {
      ...process.env,
      ETCDCTL_API: '3',
      ETCDCTL_ENDPOINTS: cluster.endpoints.join(','),
      ETCDCTL_CACERT: ca,
      ETCDCTL_CERT: cert,
      ETCDCTL_KEY: key,
    };
    await eventually('healthy', () => etcdctl('endpoint', 'health'), 20_000, 200);
  });
  after(async () => {
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function etcdctl(...args: string[]): Promise<string> {
    const { stdout, stderr } = await run('etcdctl', args, { env, timeout: 10_000 });
    return stdout + stderr;
  }
  function etcdctlWithInput(input: string, ...args: string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = execFile('etcdctl', args, { env, timeout: 10_000 }, (error, stdout, stderr) =>
        error === null ? resolve(stdout) : reject(new Error(stderr, { cause: error })),
      );
      child.stdin?.end(input);
    });
  }

  test('put, get, del', async () => {
    assert.equal(await etcdctl('put', 'k', 'v'), 'OK\n');
    assert.equal(await etcdctl('get', 'k'), 'k\nv\n');
    assert.equal(await etcdctl('get', '--prefix', '--keys-only', 'k'), 'k\n\n');
    assert.equal(await etcdctl('del', 'k'), '1\n');
  });

  test('txn', async () => {
    await etcdctl('put', 'flag', '1');
    const answer = await etcdctlWithInput(
      'value("flag") = "1"\n\nput result true\n\nput result false\n\n',
      'txn',
    );
    assert.equal(answer, 'SUCCESS\n\nOK\n');
    assert.equal(await etcdctl('get', '--print-value-only', 'result'), 'true\n');
  });

  test('watch', async () => {
    const watch = spawn('etcdctl', ['watch', '--prefix', 'w/'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
    let seen = '';
    watch.stdout.on('data', (data: Buffer) => (seen += data.toString()));
    try {
      await eventually('a put is seen', async () => {
        await etcdctl('put', 'w/a', '1');
        return seen.startsWith('PUT\nw/a\n1\n');
      });
    } finally {
      await endProcess(watch);
    }
  });

  test('lease', async () => {
    const id = /lease (\w+) granted with TTL\(60s\)/.exec(await etcdctl('lease', 'grant', '60'))?.[1] ?? '';
    await etcdctl('put', '--lease', id, 'leased', '1');
    assert.match(
      await etcdctl('lease', 'timetolive', '--keys', id),
      /granted with TTL\(60s\), remaining\(\d+s\), attached keys\(\[leased\]\)/,
    );
    assert.match(await etcdctl('lease', 'keep-alive', '--once', id), /keepalived with TTL\(60\)/);
    assert.match(await etcdctl('lease', 'revoke', id), /revoked/);
    assert.equal(await etcdctl('get', 'leased'), '');
  });

  test('endpoint status and hashkv, member list, move-leader, alarm list, compaction, defrag', async () => {
    const status = JSON.parse(await etcdctl('endpoint', 'status', '-w', 'json')) as {
      Endpoint: string;
      Status: { header: { member_id: number }; leader: number; version: string };
    }[];
    assert.equal(status.length, 3);
    assert.match(status[0]?.Status.version ?? '', /^3\.5\./);
    const leaders = status.filter(({ Status }) => Status.leader === Status.header.member_id);
    assert.equal(leaders.length, 1);
    assert.match(await etcdctl('member', 'list'), /^(\w+, started, etcd-\d, https:.*\n){3}$/);
    const heir = status.find(({ Status }) => Status.leader !== Status.header.member_id);
    const target = heir?.Status.header.member_id.toString(16) ?? '';
    const moved = await run('etcdctl', ['move-leader', target], { env });
    assert.match(moved.stdout, /Leadership transferred/);
    assert.equal(await etcdctl('alarm', 'list'), '');
    const revision = (JSON.parse(await etcdctl('get', 'x', '-w', 'json')) as { header: { revision: number } })
      .header.revision;
    assert.match(await etcdctl('compaction', String(revision)), /compacted revision/);
    assert.match(await etcdctl('defrag'), /Finished defragmenting/);
    const hashes = JSON.parse(
      await etcdctl('endpoint', 'hashkv', '--rev', String(revision), '-w', 'json'),
    ) as { HashKV: { hash: number } }[];
    assert.equal(new Set(hashes.map(({ HashKV }) => HashKV.hash)).size, 1);
  });

  test('without a certificate nobody gets in', async () => {
    const stranger = { ...env, ETCDCTL_CERT: undefined, ETCDCTL_KEY: undefined };
    await assert.rejects(
      run('etcdctl', ['--dial-timeout=1s', '--command-timeout=2s', 'get', 'k'], { env: stranger }),
    );
  });
});
