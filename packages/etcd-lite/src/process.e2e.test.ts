import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { realClock, silentLogger } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import { EtcdClient } from '@kubelab/rpc/client';
import { endProcess, freePort } from '@kubelab/rpc/testing';
import { MAIN } from './testing/processes.ts';

const KUBELAB = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url));

async function text(url: string, body?: string): Promise<string> {
  const response = await fetch(url, body === undefined ? {} : { method: 'POST', body });
  return response.text();
}

function healthy(url: string | undefined): Promise<true> {
  return eventually(
    'it is healthy',
    async () => (await text(`${url}/health`)).includes('"health":"true"') || undefined,
    15_000,
  );
}

/** The value of a metric, with its labels as they are printed. */
function metric(all: string, name: string): number | undefined {
  const line = all.split('\n').find((each) => each.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}

suite('the process', { concurrency: false }, () => {
  let folder: string;
  const children: ChildProcess[] = [];
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'etcd-lite-process-'));
  });
  after(async () => {
    for (const child of children) await endProcess(child);
    await rm(folder, { recursive: true, force: true });
  });

  function start(words: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
    const child = spawn(process.execPath, words, {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: 'ignore',
    });
    children.push(child);
    return child;
  }

  test('starts by the words of a script for etcd, wherever it is', async () => {
    const [client, peer] = [await freePort(), await freePort()];
    const url = `http://127.0.0.1:${client}`;
    const child = start([
      ...[KUBELAB, 'etcd-lite', '--name', 'm1', '--data-dir', 'd', '--listen-client-urls', url],
      ...['--advertise-client-urls', url, '--listen-peer-urls', `http://127.0.0.1:${peer}`],
      ...['--initial-advertise-peer-urls', `http://127.0.0.1:${peer}`],
      ...['--initial-cluster', `m1=http://127.0.0.1:${peer}`, '--initial-cluster-state', 'new'],
      ...['-initial-cluster-token', 'tkn', '-snapshot-count', '10000', '-logger', 'zap', '-enable-v2=false'],
    ]);
    await healthy(url);
    assert.ok(existsSync(join(folder, 'd', 'member', 'wal')));
    await endProcess(child);
  });

  test('starts by variables, or by a configuration file, with doors of their own for HTTP and metrics', async () => {
    const ports = await Promise.all(Array.from({ length: 4 }, () => freePort()));
    const [client, peer, http, metrics] = ports.map((port) => `http://127.0.0.1:${port}`);
    const settings: Record<string, string> = {
      name: 'm2',
      'data-dir': join(folder, 'by-file'),
      'wal-dir': join(folder, 'log'),
      'listen-client-urls': client ?? '',
      'advertise-client-urls': client ?? '',
      'listen-peer-urls': peer ?? '',
      'initial-advertise-peer-urls': peer ?? '',
      'listen-client-http-urls': http ?? '',
      'listen-metrics-urls': metrics ?? '',
      'log-outputs': join(folder, 'm2.log'),
    };
    const path = join(folder, 'etcd.yaml');
    await writeFile(
      path,
      Object.entries(settings)
        .map(([key, value]) => `${key}: '${value}'\n`)
        .join(''),
    );

    const byFile = start([MAIN, '--name=ignored'], { ETCD_CONFIG_FILE: path, ETCD_NAME: 'ignored' });
    await healthy(metrics);
    assert.equal((await fetch(`${metrics}/version`)).status, 404);
    assert.match(await text(`${http}/version`), /"etcdserver":"3\.5/);
    await assert.rejects(text(`${client}/version`), 'clients have a port of their own');
    assert.match(await text(`${http}/v3/cluster/member/list`, '{}'), /"name":"m2"/);
    assert.ok(
      existsSync(join(folder, 'log')) && !existsSync(join(folder, 'by-file', 'member', 'wal', '0.wal')),
    );
    await endProcess(byFile, 'SIGTERM');
    assert.match(await readFile(join(folder, 'm2.log'), 'utf8'), /loaded server configuration/);

    const variables = Object.entries(settings).map(([key, value]): [string, string] => [
      `ETCD_${key.toUpperCase().replaceAll('-', '_')}`,
      value,
    ]);
    const byVariables = start([MAIN], Object.fromEntries(variables));
    await healthy(metrics);
    await endProcess(byVariables);
  });

  const refused: readonly (readonly [string, readonly string[], number, RegExp])[] = [
    ['an unknown flag', ['--nam=x'], 2, /flag provided but not defined: -nam \(did you mean --name\?\)/],
    ['a word', ['serve'], 2, /'serve' is neither a flag nor a tool/],
    ['what makes no sense', ['--heartbeat-interval=900'], 1, /should be at least as 5 times/],
    [
      'https without a certificate',
      ['--listen-peer-urls=https://127.0.0.1:1'],
      1,
      /TLS key\/cert .* must be provided/,
    ],
    [
      'a certificate that is not there',
      ['--cert-file=none.pem', '--key-file=none.pem'],
      1,
      /no such file .*'none\.pem' \(one of --cert-file/,
    ],
    ['a data directory that is none', [`--data-dir=${MAIN}`], 1, /cannot use --data-dir .* is not a folder/],
  ];
  for (const [title, argv, code, message] of refused) {
    test(`ends with ${code} for ${title}`, () => {
      const { status, stderr } = spawnSync(process.execPath, [MAIN, ...argv], {
        cwd: folder,
        encoding: 'utf8',
      });
      assert.equal(status, code, stderr);
      assert.match(stderr, message);
    });
  }

  test('says its version as etcd does, and what it can be told', () => {
    const run = (flag: string): string =>
      spawnSync(process.execPath, [MAIN, flag], { encoding: 'utf8' }).stdout;
    assert.match(run('--version'), /^etcd Version: 3\.5\.\d+\n/);
    assert.match(run('-h'), /--listen-client-urls list/);
  });

  test('counts what it does, under etcd’s names, over HTTP/1.1 and HTTP/2', async () => {
    const [client, peer] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
    start([
      ...[MAIN, '--name=m3', `--data-dir=${join(folder, 'm3')}`, '--metrics=extensive'],
      ...[`--listen-client-urls=${client}`, `--advertise-client-urls=${client}`],
      ...[`--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`],
    ]);
    await healthy(client);
    const key = '"key":"Zm9v"';
    for (let i = 0; i < 3; i++) await text(`${client}/v3/kv/put`, `{${key},"value":"YmFy"}`);
    await text(`${client}/v3/kv/txn`, `{"success":[{"request_put":{${key}}},{"request_range":{${key}}}]}`);
    await text(`${client}/v3/kv/range`, `{${key}}`);
    await text(`${client}/v3/kv/range`, '{}');
    await text(`${client}/v3/kv/deleterange`, `{${key}}`);
    await text(`${client}/v3/lease/grant`, '{"TTL":60}');
    const grpc = new EtcdClient({ endpoints: [client], log: silentLogger, clock: realClock });
    await grpc.put({ key: Buffer.from('bar') }).finally(() => grpc.close());
    const all = await text(`${client}/metrics`);
    const expected: Record<string, number> = {
      etcd_server_has_leader: 1,
      etcd_server_is_leader: 1,
      etcd_server_leader_changes_seen_total: 1,
      etcd_server_quota_backend_bytes: 2 * 1024 ** 3,
      etcd_mvcc_put_total: 5,
      etcd_mvcc_delete_total: 1,
      etcd_mvcc_txn_total: 1,
      etcd_mvcc_range_total: 2,
      etcd_debugging_mvcc_current_revision: 7,
      etcd_debugging_mvcc_total_put_size_in_bytes: 3 * 6 + 3 + 3,
      etcd_debugging_lease_granted_total: 1,
      'etcd_debugging_lease_ttl_total_bucket{le="64"}': 1,
      'grpc_server_handled_total{grpc_service="etcdserverpb.KV",grpc_method="Put",grpc_type="unary",grpc_code="OK"}': 4,
      'grpc_server_msg_sent_total{grpc_service="etcdserverpb.KV",grpc_method="Put",grpc_type="unary"}': 4,
      'grpc_server_handled_total{grpc_service="etcdserverpb.KV",grpc_method="Range",grpc_type="unary",grpc_code="InvalidArgument"}': 1,
      'grpc_server_handling_seconds_count{grpc_service="etcdserverpb.KV",grpc_method="Txn",grpc_type="unary"}': 1,
    };
    const found = Object.fromEntries(Object.keys(expected).map((name) => [name, metric(all, name)]));
    assert.deepEqual(found, expected);
    assert.ok((metric(all, 'etcd_disk_wal_write_bytes_total') ?? 0) > 0);
    assert.ok((metric(all, 'etcd_disk_wal_fsync_duration_seconds_count') ?? 0) > 0);
    assert.ok((metric(all, 'process_resident_memory_bytes') ?? 0) > 0);
    assert.equal(await overHttp2(client, '/health'), '{"health":"true","reason":""}');
  });
});

function overHttp2(url: string, path: string): Promise<string> {
  const session = connect(url);
  return new Promise<string>((resolve, reject) => {
    session.once('error', reject);
    let body = '';
    session
      .request({ ':path': path })
      .setEncoding('utf8')
      .on('data', (piece: string) => (body += piece))
      .once('error', reject)
      .once('end', () => resolve(body));
  }).finally(() => session.close());
}
