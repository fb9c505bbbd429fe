import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { must } from '@kubelab/component-base';
import { EtcdctlPair, type Said } from './testing/etcdctl-pair.ts';
import { RawClient } from './testing/raw-client.ts';
import { isInstalled } from './testing/targets.ts';

/**
 * Every command of etcdctl 3.4 with its flags, in one order on a real etcd and on ours: exit code and both
 * outputs are compared. Users, members, and three members over TLS have files of their own.
 */
interface Step {
  /** `$name` is something kept, `␣` a space within a word. */
  readonly words: string;
  readonly input?: string;
  readonly keep?: readonly [name: string, find: RegExp];
  /** Ours is another, and why. */
  readonly differs?: { readonly ours: Partial<Said>; readonly because: string };
}

const step = (words: string, more: Omit<Step, 'words'> = {}): Step => ({ words, ...more });
/** The same request in every form of output. */
const inEveryForm = (words: string): Step[] =>
  ['simple', 'json', 'fields', 'table', 'protobuf'].map((form) => step(`${words} -w ${form}`));
const LEASE = /lease ([0-9a-f]+) granted/;

const PUT_AND_GET: readonly Step[] = [
  ...inEveryForm('put k1 v1'),
  step('put k1', { input: 'from␣input' }),
  step('put k1 -- -v'),
  step('put empty', { input: '' }),
  step('put'),
  step('put a b c'),
  step('put k1 v2 --prev-kv'),
  ...inEveryForm('put k1 v3 --prev-kv'),
  step('put new v --prev-kv'),
  step('put k1 --ignore-value'),
  step('put k1 v --ignore-value'),
  step('put nothing --ignore-value'),
  step('put k1 v4 --ignore-lease'),
  step('put nothing v --ignore-lease'),
  step('put k1 v --lease=123'),
  step('put k1 v --lease=nonsense'),
  step('put ünï cödé'),
  step('put line a\nb'),
  ...['a', 'b', 'c', 'd/1', 'd/2', 'e'].map((key, i) => step(`put ${key} value${i % 3}`)),
  ...inEveryForm('get k1'),
  ...inEveryForm('get --prefix d/'),
  ...inEveryForm('get absent'),
  step('get'),
  step('get --prefix'),
  step('get --from-key'),
  step('get a c'),
  step('get c a'),
  step('get a c d'),
  step('get d --from-key'),
  step('get d --from-key --prefix'),
  step('get  --prefix --keys-only'),
  step('get  --prefix --keys-only -w json'),
  step('get  --prefix --limit=2'),
  step('get  --prefix --limit=2 -w fields'),
  step('get k1 --print-value-only'),
  step('get k1 --print-value-only -w json'),
  step('get k1 --rev=2'),
  step('get k1 --rev=3 -w json'),
  step('get k1 --rev=1000'),
  step('get k1 --consistency=s'),
  step('get k1 --consistency=l'),
  step('get k1 --consistency=x'),
  step('get k1 --hex'),
  step('get ünï --hex -w fields'),
  step('get ünï -w fields'),
  step('get line -w fields'),
  ...['CREATE', 'KEY', 'MODIFY', 'VALUE', 'VERSION'].flatMap((target) =>
    ['ASCEND', 'DESCEND'].map((order) =>
      step(`get  --prefix --keys-only --sort-by=${target} --order=${order}`),
    ),
  ),
  step('get  --prefix --sort-by=MODIFY --limit=3'),
  step('get a --sort-by=SIZE'),
  step('get a --order=UP'),
  step('get k1 -w xml'),
];

const DELETE_AND_TXN: readonly Step[] = [
  step('del'),
  step('del absent'),
  step('del a --prev-kv'),
  ...inEveryForm('del absent --prev-kv'),
  step('del b -w json --prev-kv'),
  step('del c d'),
  step('del d/ --prefix --prev-kv -w fields'),
  step('del d/ --prefix --from-key'),
  step('del ünï --prev-kv --hex'),
  step('del e --from-key -w protobuf'),
  step('put t 1'),
  step('txn', { input: 'value("t") = "1"\n\nput r yes\nget t\n\nput r no\n\n' }),
  step('txn', { input: 'value("t") > "1"\n\nput r yes\n\nget r\ndel r\n\n' }),
  step('txn -i', { input: 'version("t") > "0"\n\nget␣t\n\n\n' }),
  step('txn --interactive', { input: 'mod("t") > "0"\n\nget t\n\n\n' }),
  step('txn', { input: 'create("t") < "1000"\nversion("t") = "1"\nlease("t") = "0"\n\nget t\n\n\n' }),
  step('txn', { input: 'ver("t") = "1"\n\n\n\n' }),
  step('txn', { input: 'mod("t") != "3"\n\nput "quoted key" "quoted value"\n\n\n' }),
  step('txn -w json', { input: '\nput r 1\nget r\ndel r --prev-kv\n\n\n' }),
  step('txn -w fields', { input: '\nput r 1\nget --prefix --keys-only r\ndel --prefix r\n\n\n' }),
  step('txn -w protobuf', { input: '\nput r 1\nget t\n\n\n' }),
  step('txn -w table', { input: '\nget t\n\n\n' }),
  step('txn', { input: '\nput twice 1\nput twice 2\n\n\n' }),
  step('txn', { input: '\nget t --rev=1000\n\n\n' }),
  step('txn', { input: 'nonsense\n\n\n\n' }),
  step('txn', { input: 'size("t") = "1"\n\n\n\n' }),
  step('txn', { input: '\nlease grant 1\n\n\n' }),
  step('txn', { input: '\n\n\n' }),
  step('txn extra'),
];

/** Before there are leases, whose ids are in the hash. */
const HASHES: readonly Step[] = [
  ...['simple', 'json', 'table', 'fields'].map((form) => step(`endpoint hashkv -w ${form}`)),
  step('endpoint hashkv --cluster'),
  step('endpoint hashkv --rev=20'),
];

const LEASES: readonly Step[] = [
  step('lease grant 600', { keep: ['lease', LEASE] }),
  step('lease grant 9000000001'),
  step('lease grant nonsense'),
  step('lease grant'),
  ...['json', 'fields', 'table'].map((form) => step(`lease grant 500 -w ${form}`)),
  step('put leased 1 --lease=$lease'),
  step('put leased 2 --ignore-lease'),
  step('put leased/2 1'),
  step('get leased --prefix -w fields'),
  step('txn', { input: 'lease("leased") = "0"\n\n\nget leased\n\n' }),
  step('lease timetolive $lease'),
  step('lease timetolive $lease --keys'),
  step('lease timetolive $lease --keys -w json'),
  step('lease timetolive $lease --keys -w fields'),
  step('lease timetolive $lease -w table'),
  step('lease timetolive 1234'),
  step('lease timetolive nonsense'),
  step('lease keep-alive --once $lease'),
  step('lease keep-alive --once $lease -w json'),
  step('lease keep-alive --once 1234'),
  step('lease list'),
  step('lease list -w fields'),
  step('lease keep-alive 1234'),
  step('lease keep-alive'),
  step('lease revoke $lease'),
  step('lease revoke $lease'),
  step('lease revoke'),
  step('get leased --prefix --keys-only'),
  step('lease timetolive $lease'),
  // These end by themselves soon.
  step('lease grant 1'),
  step('lease grant 0'),
  step('lease grant -- -5'),
];

const HEADER = { ours: { code: 0 }, because: '3.4 leaves the header out, and its client dies of it' };

const UPKEEP: readonly Step[] = [
  step('compaction'),
  step('compaction nonsense'),
  step('compaction 1000'),
  step('compaction 5'),
  step('compaction 5'),
  step('compaction 8 --physical'),
  step('get k1 --rev=3'),
  step('watch k1 --rev=3'),
  step('defrag'),
  step('defrag --cluster'),
  step('defrag --endpoints=127.0.0.1:$nobody,$at --command-timeout=1s'),
  step('alarm list'),
  step('alarm disarm'),
  step('alarm list -w json', { differs: HEADER }),
  step('alarm list -w fields', { differs: HEADER }),
  step('alarm nonsense'),
  ...inEveryForm('member list').filter(({ words }) => !words.includes('protobuf')),
  ...['simple', 'json', 'table', 'fields'].map((form) => step(`endpoint health -w ${form}`)),
  step('endpoint health --cluster'),
  step('endpoint health --endpoints=127.0.0.1:$nobody --dial-timeout=300ms --command-timeout=300ms'),
  ...['simple', 'json', 'table', 'fields'].map((form) => step(`endpoint status -w ${form}`)),
  step('endpoint status --cluster'),
  step('endpoint hashkv --rev=2000'),
  step('endpoint hashkv --rev=3'),
  step('move-leader'),
  step('move-leader nonsense'),
  step('move-leader 1234'),
  step('check nonsense'),
  step('version'),
  step('snapshot save $folder/a.db'),
  step('snapshot save'),
  step('snapshot save $folder/none/a.db'),
  step('snapshot status $folder/none.db'),
  step('user list'),
  step('role list -w json'),
  step('auth status'),
  step('nonsense'),
];

/** `http://` before the address: 3.4 then says it as the name of the server. */
const URLS: readonly Step[] = [
  'put u 1',
  'get u',
  'endpoint health',
  'endpoint status',
  'defrag',
  'member list',
  'move-leader 1234',
  'snapshot save $folder/url.db',
  'alarm list',
].map((words) => step(`${words} --endpoints=http://$at`));

const GLOBAL: readonly Step[] = [
  step('get u --endpoints=127.0.0.1:$nobody,$at'),
  step('get u --endpoints=$at,$at'),
  step('get u --endpoints='),
  step('get u --endpoints=127.0.0.1:$nobody --dial-timeout=200ms --command-timeout=300ms'),
  step('get u --dial-timeout=nonsense'),
  step('get u --keepalive-time=10s --keepalive-timeout=2s'),
  step('get u --command-timeout=1ns'),
  step('get u --user=root:pw'),
  step('get u --user=root --password=pw'),
  step('get u --password=pw'),
  step('get u --cert=/nonexistent.pem --key=/nonexistent.pem'),
  step('get u --cacert=/nonexistent.pem'),
  step('get u --insecure-skip-tls-verify --insecure-transport=false --command-timeout=500ms'),
  step('get u --write-out=json --hex'),
  step('get u --debug=false'),
  step('get u --nonsense'),
];

/** From a revision on: nobody has to know when a watch has begun. */
const WATCHES: readonly { readonly words: string; readonly input?: string; readonly last: RegExp }[] = [
  { words: 'watch --rev w/ --prefix', last: /last/ },
  { words: 'watch --rev w/a', last: /last/ },
  { words: 'watch --rev w/a w/c', last: /last/ },
  { words: 'watch --rev w/ --prefix --prev-kv', last: /last/ },
  { words: 'watch --rev w/ --prefix -w json', last: /"bGFzdA=="/ },
  { words: 'watch --rev w/ --prefix -w fields --prev-kv', last: /"last"/ },
  { words: 'watch --rev w/a --hex', last: /\\x6c\\x61\\x73\\x74/ },
  { words: 'watch --rev w/a -- echo changed', last: /(changed\n[^]*){4}/ },
  { words: 'watch --rev w/a -- sh -c env|grep␣^ETCD_WATCH|sort', last: /WATCH_VALUE="last"/ },
  { words: 'watch -i', input: 'watch --rev w/a\n', last: /last/ },
  { words: 'watch -i --prev-kv', input: 'watch --rev --prefix w/\nwatch\n', last: /last/ },
];

const tables: Readonly<Record<string, readonly Step[]>> = {
  'put and get': PUT_AND_GET,
  'del and txn': DELETE_AND_TXN,
  hashes: HASHES,
  leases: LEASES,
  upkeep: UPKEEP,
  'endpoints as URLs': URLS,
  'flags of all commands': GLOBAL,
};

describe('etcdctl says the same of ours as of a real etcd', {
  skip: EtcdctlPair.skip || (!isInstalled('etcdctl') && 'no etcdctl here'),
}, () => {
  let both: EtcdctlPair;
  before(async () => {
    both = await EtcdctlPair.start();
  });
  after(() => both.stop());

  for (const [title, steps] of Object.entries(tables)) {
    describe(title, () => {
      for (const { words, input, keep, differs } of steps) {
        test(`${words} ${input === undefined ? '' : JSON.stringify(input)}`, async () => {
          const [theirs, ours] = await both.run(words, input?.replaceAll('␣', ' '), keep);
          if (differs === undefined) return assert.deepEqual(ours, theirs);
          assert.notDeepEqual(ours, theirs, `no difference any more: ${differs.because}`);
          assert.deepEqual({ ...ours, ...differs.ours }, ours, differs.because);
        });
      }
    });
  }

  test('an alarm is shown, refuses what needs space, and is disarmed', async () => {
    for (const endpoint of both.endpoints) {
      const raw = new RawClient(endpoint);
      await raw.call('Maintenance', 'Alarm', { action: 1, alarm: 1, memberID: 0x1234_5678_9abc });
      raw.close();
    }
    for (const words of [
      'alarm list',
      'alarm list -w table',
      'put full 1',
      'txn',
      'get full',
      'del full',
      'lease grant 60',
      'endpoint health',
      'endpoint status',
      'compaction 30',
      'alarm disarm',
      'alarm list',
      'put full 1',
    ]) {
      const [theirs, ours] = await both.run(words, '\nput full 1\n\n\n');
      assert.deepEqual(ours, theirs, words);
    }
  });

  test('watch, in every form', async () => {
    const from = (await both.revision()) + 1;
    for (const change of ['put w/a 1', 'put w/b 2', 'put w/a 3', 'del w/a', 'put x 1', 'put w/a last'])
      await both.run(change);
    for (const { words, input, last } of WATCHES) {
      const fill = (text: string): string => text.replaceAll('--rev', `--rev=${from}`);
      const watches = await both.begin(fill(words), last, fill(input ?? ''));
      const [theirs, ours] = await watches.end('SIGINT');
      assert.deepEqual(ours, theirs, words);
    }
  });

  test('watch -i, live, with progress in between', async () => {
    const watches = await both.begin('watch -i', undefined, 'watch --prefix live/\n');
    // There is no word of it when a watch has begun.
    await both.until(watches, 'put live/a 1', /PUT\nlive\/a\n1\n/);
    watches.write('progress\n');
    await watches.until(/progress notify: \d+/);
    watches.write('nonsense\n');
    await watches.until(/Invalid command/);
    const [theirs, ours] = await watches.end('SIGINT');
    const plain = (said?: Said): string =>
      must(said)
        .stdout.replace(/(PUT\nlive\/a\n1\n)+/, 'PUT…')
        .replace(/\d+/g, 'n') + must(said).stderr;
    assert.equal(plain(ours), plain(theirs));
  });

  test('lock: one after the other, around a command, and with a short life', async () => {
    const first = await both.begin('lock l', /l\/[0-9a-f]+/);
    const second = await both.begin('lock l');
    assert.deepEqual(...(await first.end('SIGINT')));
    await second.until(/l\/[0-9a-f]+/);
    assert.deepEqual(...(await second.end('SIGINT')));
    for (const words of ['lock l echo held', 'lock l --ttl=2 echo held', 'lock l false', 'lock']) {
      const [theirs, ours] = await both.run(words);
      assert.deepEqual(ours, theirs, words);
    }
  });

  test('elect: one leads, others listen and follow', async () => {
    const first = await both.begin('elect e one', /one/);
    const second = await both.begin('elect e two');
    const listener = await both.begin('elect e -l', /one/);
    assert.deepEqual(...(await first.end('SIGINT')));
    await second.until(/two/);
    await listener.until(/two/);
    assert.deepEqual(...(await second.end('SIGINT')));
    assert.deepEqual(...(await listener.end('SIGINT')));
    assert.deepEqual(...(await both.run('elect')));
    assert.deepEqual(...(await both.run('elect e')));
  });

  test('lease keep-alive goes on until the lease is revoked', async () => {
    await both.run('lease grant 30', '', ['kept', LEASE]);
    const kept = await both.begin('lease keep-alive $kept', /keepalived with TTL\(30\)/);
    await both.run('lease revoke $kept');
    await kept.until(/expired or revoked/);
    assert.deepEqual(...(await kept.end('SIGINT')));
  });

  test('make-mirror copies what is there and what comes', async () => {
    await both.run('put m/old 1');
    const mirror = await both.begin('make-mirror --prefix=m/ --dest-prefix=n/ $at');
    await both.run('put m/new 2');
    for (const [name, key] of Object.entries({ old: 'n/old', new: 'n/new' })) {
      const copied = await both.poll(`get ${key}`, new RegExp(`n/${name}\\n\\d`));
      assert.deepEqual(...copied, name);
    }
    await both.run('del m/old');
    assert.deepEqual(...(await both.poll('get n/old', /^$/)));
    assert.deepEqual(...(await mirror.end('SIGINT')));
  });

  test('make-mirror moves keys from etcd to ours, and from ours to etcd, while they change', async () => {
    await both.run('put here/old 1');
    const mirror = await both.begin('make-mirror --prefix=here/ --dest-prefix=there/ $other');
    await both.run('put here/new 2');
    await both.run('del here/old');
    await both.poll('get there/new', /there\/new\n2/);
    assert.deepEqual(...(await both.poll('get there/ --prefix --keys-only', /^there\/new\n\n$/)));
    assert.deepEqual(...(await mirror.end('SIGINT')));
  });
});
