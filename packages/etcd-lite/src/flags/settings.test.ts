import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseFlags, UsageError } from '@kubelab/component-base';
import { etcdFlags } from '../flags.ts';
import { autoCompactionOf, type EtcdFlags } from './check.ts';
import { ConfigError } from './notice.ts';
import { readSettings, settingsHelp, type Sources } from './settings.ts';

const NAMED = ['--name', 'm1'];

async function read(sources: Partial<Sources>): Promise<{ flags: EtcdFlags; notices: string[] }> {
  const settings = await readSettings({ argv: [], env: {}, readFile: noFile, ...sources });
  assert.equal(settings.kind, 'run');
  if (settings.kind !== 'run') throw new Error('not run');
  return {
    flags: parseFlags(etcdFlags, { argv: settings.argv }),
    notices: settings.notices.map(({ msg, fields }) => `${msg} ${Object.values(fields).join(' ')}`),
  };
}

function noFile(path: string): never {
  throw new Error(`no file ${path}`);
}

suite('flags as etcd has them', () => {
  test('one dash or two, with = or without, the last one counts', async () => {
    const argv = ['-name', 'm0', '--name=m1', '-heartbeat-interval=50', '--client-cert-auth', '-pre-vote=F'];
    const { flags } = await read({ argv });
    assert.equal(flags.name, 'm1');
    assert.equal(flags['heartbeat-interval'], 50);
    assert.equal(flags['client-cert-auth'], true);
    assert.equal(flags['pre-vote'], false);
  });

  test('URLs are sorted, each once; an empty list leaves the default', async () => {
    const argv = [...NAMED, '--listen-peer-urls=http://10.0.0.2:1, http://10.0.0.1:1,http://10.0.0.2:1'];
    const { flags } = await read({ argv: [...argv, '--listen-client-urls='] });
    assert.deepEqual(flags['listen-peer-urls'], ['http://10.0.0.1:1', 'http://10.0.0.2:1']);
    assert.deepEqual(flags['listen-client-urls'], ['http://localhost:2379']);
  });

  test('without --initial-cluster a member is alone, at the URLs that it advertises', async () => {
    const { flags } = await read({ argv: [...NAMED, '--initial-advertise-peer-urls=http://10.0.0.1:1'] });
    assert.deepEqual(flags['initial-cluster'], ['m1=http://10.0.0.1:1']);
    assert.deepEqual((await read({ argv: [] })).flags['initial-cluster'], ['default=http://localhost:2380']);
  });

  test('names of 3.6 mean those of 3.5', async () => {
    const { flags } = await read({ argv: [...NAMED, '--watch-progress-notify-interval=3s'] });
    assert.equal(flags['experimental-watch-progress-notify-interval'], 3000);
  });

  const usage: readonly (readonly [string, readonly string[], string])[] = [
    ['an unknown flag', ['--zzz=x'], 'flag provided but not defined: -zzz'],
    ['a flag without its value', ['--name'], 'flag needs an argument: -name'],
    [
      'what is no number',
      ['--heartbeat-interval=x'],
      'invalid value "x" for flag -heartbeat-interval: parse error',
    ],
    [
      'a negative number where none can be',
      ['--snapshot-count=-1'],
      'invalid value "-1" for flag -snapshot-count: parse error',
    ],
    ['what is no boolean', ['--pre-vote=x'], 'invalid boolean value "x" for -pre-vote: parse error'],
    [
      'a state there is not',
      ['--initial-cluster-state=old'],
      'invalid value "old" for flag -initial-cluster-state: invalid value',
    ],
    ['a word that is no flag', ['--client-cert-auth', 'true'], "'true' is not a valid flag"],
    [
      'a URL of another kind',
      ['--listen-client-urls=tcp://x:1'],
      'invalid value "tcp://x:1" for flag -listen-client-urls: URL scheme must be http, https, unix, or unixs: tcp://x:1',
    ],
    [
      'a unix socket',
      ['--listen-client-urls=unix://a:1'],
      'invalid value "unix://a:1" for flag -listen-client-urls: unix sockets are not served here: unix://a:1',
    ],
    [
      'a URL without a port',
      ['--listen-client-urls=http://127.0.0.1'],
      'invalid value "http://127.0.0.1" for flag -listen-client-urls: URL address does not have the form "host:port": http://127.0.0.1',
    ],
    [
      'a URL with a path',
      ['--listen-client-urls=http://127.0.0.1:1/x'],
      'invalid value "http://127.0.0.1:1/x" for flag -listen-client-urls: URL must not contain a path: http://127.0.0.1:1/x',
    ],
  ];
  for (const [title, argv, message] of usage)
    test(`refuses ${title}`, () => assert.rejects(read({ argv }), new UsageError(message)));

  const senseless: readonly (readonly [string, readonly string[], string])[] = [
    [
      'clients that are not told where',
      ['--listen-client-urls=http://127.0.0.1:1'],
      '--advertise-client-urls is required when --listen-client-urls is set explicitly',
    ],
    [
      'to listen at a name',
      ['--listen-peer-urls=http://example.com:1'],
      'expected IP in URL for binding (http://example.com:1)',
    ],
    [
      'to advertise no host',
      ['--initial-advertise-peer-urls=http://:1'],
      '--initial-advertise-peer-urls "http://:1" must be "host:port" (unexpected empty host (http://:1))',
    ],
    [
      'elections after fewer than five heartbeats',
      ['--heartbeat-interval=300'],
      '--election-timeout[1000ms] should be at least as 5 times as --heartbeat-interval[300ms]',
    ],
    [
      'elections after more than 50 seconds',
      ['--election-timeout=50001'],
      '--election-timeout[50001ms] is too long, and should be set less than 50000ms',
    ],
    ['no heartbeats', ['--heartbeat-interval=0'], '--heartbeat-interval must be >0 (set to 0ms)'],
    ['another mode of compaction', ['--auto-compaction-mode=size'], 'unknown auto-compaction-mode "size"'],
    [
      'discovery',
      ['--discovery=https://discovery.etcd.io/x'],
      '--discovery=https://discovery.etcd.io/x is not possible here: there is no discovery; name all in --initial-cluster',
    ],
    [
      'members at no URL',
      ['--initial-cluster=default=nowhere'],
      'error setting up initial cluster: URL scheme must be http, https, unix, or unixs: nowhere',
    ],
    ['a level there is not', ['--log-level=loud'], 'unrecognized level: "loud"'],
    [
      'TLS versions the wrong way round',
      ['--tls-min-version=TLS1.3', '--tls-max-version=TLS1.2'],
      'min version (TLS1.3) is greater than max version (TLS1.2)',
    ],
  ];
  for (const [title, argv, message] of senseless)
    test(`refuses ${title}`, () => assert.rejects(read({ argv }), new ConfigError(message)));

  test('flags that change nothing here are accepted, and said to', async () => {
    const { notices } = await read({ argv: [...NAMED, '--max-wals=3', '--proxy=off'] });
    assert.deepEqual(notices, [
      'flag has no effect max-wals files are removed as soon as nothing needs them',
    ]);
  });

  test('a variable stands for its flag, is refused beside it, and is warned of when unknown', async () => {
    const { flags, notices } = await read({ env: { ETCD_NAME: 'm2', ETCD_NAM: 'x', ETCD_DATA_DIR: '' } });
    assert.equal(flags.name, 'm2');
    assert.deepEqual(notices, [
      'recognized and used environment variable ETCD_NAME m2',
      'unrecognized environment variable ETCD_NAM=x',
      'unrecognized environment variable ETCD_DATA_DIR=',
    ]);
    await assert.rejects(read({ argv: NAMED, env: { ETCD_NAME: 'm2' } }), ConfigError);
    await assert.rejects(
      read({ env: { ETCD_HEARTBEAT_INTERVAL: 'x' } }),
      new ConfigError('invalid value "x" for ETCD_HEARTBEAT_INTERVAL: parse error'),
    );
  });

  const FILE = `
name: m3
data-dir: /var/lib/etcd
listen-client-urls: http://127.0.0.1:1
quota-backend-bytes: -1
grpc-keepalive-timeout: 7000000000
cipher-suites: [TLS_A, TLS_B]
initial-cluster-token:
colour: green
client-transport-security:
  cert-file: /tls/c.crt
  client-cert-auth: true
peer-transport-security:
  cert-file: /tls/p.crt
  allowed-cn: [etcd]
`;

  test('a configuration file replaces flags and variables', async () => {
    const { flags, notices } = await read({
      argv: ['--config-file=/etc/etcd.yaml', '--name=m1'],
      env: { ETCD_SNAPSHOT_COUNT: '7' },
      readFile: () => FILE,
    });
    assert.equal(flags.name, 'm3');
    assert.equal(flags['snapshot-count'], 5000);
    assert.equal(flags['quota-backend-bytes'], -1);
    assert.equal(flags['grpc-keepalive-timeout'], 7000);
    assert.deepEqual(flags['cipher-suites'], ['TLS_A', 'TLS_B']);
    assert.deepEqual(flags['advertise-client-urls'], ['http://localhost:2379']);
    assert.equal(flags['cert-file'], '/tls/c.crt');
    assert.equal(flags['client-cert-auth'], true);
    assert.equal(flags['peer-cert-file'], '/tls/p.crt');
    assert.deepEqual(flags['peer-cert-allowed-cn'], ['etcd']);
    assert.match(notices.join('\n'), /unknown key in the configuration file \/etc\/etcd.yaml colour/);
  });

  test('a file that is none, or says nonsense, is named', async () => {
    const file = (text: string) => ({ env: { ETCD_CONFIG_FILE: '/e.yaml' }, readFile: () => text });
    await assert.rejects(read(file('a: [')), /^ConfigError: \/e\.yaml: /);
    await assert.rejects(read(file('- a')), new ConfigError('/e.yaml: expected keys and values'));
    await assert.rejects(
      read(file('heartbeat-interval: "100"')),
      new ConfigError('/e.yaml: heartbeat-interval: must be a number'),
    );
    await assert.rejects(read({ argv: ['--config-file=/x'] }), new ConfigError('--config-file: no file /x'));
  });

  test('retention is a duration, hours, or revisions; zero is none', () => {
    const of = (mode: string, text: string) =>
      autoCompactionOf({ 'auto-compaction-mode': mode, 'auto-compaction-retention': text });
    assert.deepEqual(of('periodic', '5m'), { mode: 'periodic', retentionMs: 300_000 });
    assert.deepEqual(of('periodic', '2'), { mode: 'periodic', retentionMs: 7_200_000 });
    assert.deepEqual(of('revision', '1000'), { mode: 'revision', retention: 1000 });
    assert.equal(of('periodic', '0'), undefined);
    assert.equal(of('revision', '0'), undefined);
    assert.throws(() => of('periodic', 'soon'), /time: invalid duration "soon"/);
  });

  test('help shows flags with their defaults, and names those without effect', () => {
    const help = settingsHelp('A store.');
    assert.match(help, /--heartbeat-interval number +ms between heartbeats \(default 100\)/);
    assert.match(help, /--max-wals/);
  });
});
