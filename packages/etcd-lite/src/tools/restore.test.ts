import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { must, seededRandom, silentLogger } from '@kubelab/component-base';
import { bucketOf, piecesOf, planDatabase } from '../bbolt/writer.ts';
import { BUCKETS, keyValueCodec } from '../schema/buckets.ts';
import { revisionBytes } from '../core/backend-entry.ts';
import { Checkpointer } from '../shell/checkpointer.ts';
import { parseCluster } from '../shell/cluster.ts';
import { readFounding } from '../shell/founding.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { toolArguments } from './arguments.ts';
import { restore } from './restore.ts';
import { restoreSnapshot, type RestoreOptions } from './restore-snapshot.ts';
import { humanBytes } from './snapshot-status.ts';

const CLUSTER = parseCluster(['a=http://a:2380', 'b=http://b:2380'], 'b', 'token');

function database(keys: number): Buffer {
  const entries = Array.from({ length: keys }, (_, i): [Uint8Array, Uint8Array] => [
    revisionBytes({ main: i + 2, sub: 0, isTombstone: false }),
    keyValueCodec.encode({
      key: Buffer.from(`k${i}`),
      createRevision: i + 2,
      modRevision: i + 2,
      version: 1,
      value: Buffer.alloc(100, i),
    }),
  ]);
  const planning = planDatabase([bucketOf(BUCKETS.key, entries), bucketOf(BUCKETS.meta, [])]);
  let step = planning.next();
  while (step.done !== true) step = planning.next();
  return Buffer.concat([...piecesOf(step.value, 32_768)]);
}

const withHash = (bytes: Buffer): Buffer =>
  Buffer.concat([bytes, createHash('sha256').update(bytes).digest()]);

function options(
  snapshot: Buffer,
  more: Partial<RestoreOptions> = {},
): RestoreOptions & { disk: MemoryDisk } {
  const disk = new MemoryDisk();
  disk.files.set('/snapshot.db', snapshot);
  const given = { snapshot: '/snapshot.db', dataDir: '/data', skipHashCheck: false, bumpRevision: 0 };
  return { log: silentLogger, random: seededRandom(1), cluster: CLUSTER, ...given, ...more, disk };
}

const checkpointOn = (disk: MemoryDisk): Checkpointer =>
  new Checkpointer(disk, '/data/member/snap', CLUSTER.id, silentLogger);

describe('restore', () => {
  test('makes a checkpoint that is the first state of a cluster with these members', async () => {
    const given = options(withHash(database(500)));
    await restoreSnapshot(given);
    const { state, metadata } = must(await checkpointOn(given.disk).load());
    assert.equal(state.store.revision, 501);
    assert.equal(state.store.keyCount, 500);
    assert.deepEqual(metadata.conf.voters.toSorted(), CLUSTER.members.map(({ raftId }) => raftId).toSorted());
    assert.deepEqual(
      state.members
        .all()
        .map(({ name }) => name)
        .toSorted(),
      ['a', 'b'],
    );
  });

  test('CONF-8 a member that is restored again begins another life, and the others know it by that', async () => {
    const random = seededRandom(3);
    const lives = await Promise.all(
      [1, 2].map(async () => {
        const given = options(withHash(database(10)), { random });
        await restoreSnapshot(given);
        return must(await readFounding(given.disk, '/data/member')).life;
      }),
    );
    assert.equal(new Set(lives).size, 2);
    assert.ok(!lives.includes(undefined));
  });

  test('raises the revision, and says that all before is compacted', async () => {
    const given = options(withHash(database(10)), { bumpRevision: 1_000_000 });
    await restoreSnapshot(given);
    const { state } = must(await checkpointOn(given.disk).load());
    assert.deepEqual([state.store.revision, state.store.compactRevision], [1_000_011, 1_000_011]);
  });

  test('a copy of the database file needs --skip-hash-check', async () => {
    const bytes = database(10);
    await assert.rejects(
      restoreSnapshot(options(bytes)),
      /snapshot missing hash but --skip-hash-check=false/,
    );
    const given = options(bytes, { skipHashCheck: true });
    await restoreSnapshot(given);
    assert.equal(must(await checkpointOn(given.disk).load()).state.store.keyCount, 10);
  });

  test('a snapshot that was changed or cut off is refused, and nothing is written', async () => {
    const whole = withHash(database(500));
    const flipped = Buffer.from(whole);
    flipped[30_000] = (flipped[30_000] ?? 0) ^ 1;
    const cases: readonly [name: string, bytes: Buffer, skipHashCheck: boolean, message: RegExp][] = [
      [
        'a bit',
        flipped,
        false,
        /snapshot\.db: expected sha256 [0-9a-f]{64}, got [0-9a-f]{64} of the \d+ bytes/,
      ],
      ['the end', whole.subarray(0, -40), false, /missing hash .* it is cut off \(save it again\)/],
      ['pages', whole.subarray(0, 40_960), true, /page 10 at offset 40960: the file is cut off/],
      ['all', Buffer.alloc(0), true, /page 0 .* no valid meta page: the file is too short/],
    ];
    for (const [name, bytes, skipHashCheck, message] of cases) {
      const given = options(bytes, { skipHashCheck });
      await assert.rejects(restoreSnapshot(given), message, name);
      assert.deepEqual([...given.disk.files.keys()], ['/snapshot.db']);
    }
    const missing = { ...options(whole), snapshot: '/other.db' };
    await assert.rejects(restoreSnapshot(missing), /open \/other\.db: no such file or directory/);
  });

  test('a data directory that is not empty stays as it is', async () => {
    const given = options(withHash(database(1)));
    given.disk.files.set('/data/something', Buffer.from('x'));
    await assert.rejects(restoreSnapshot(given), /data-dir "\/data" not empty or could not be read/);
  });

  test("refuses wrong words with etcd's", async () => {
    const cases: readonly [argv: string[], message: RegExp][] = [
      [[], /snapshot restore requires exactly one argument/],
      [['a', 'b'], /requires exactly one argument/],
      [['a', '--bump-revision', '5'], /--mark-compacted required if --revision-bump > 0/],
      [['a', '--mark-compacted'], /--mark-compacted required if --revision-bump > 0/],
      [['a', '--name', 'x'], /no member named "x"/],
      [
        ['a', '--initial-advertise-peer-urls=http://b:1'],
        /--initial-cluster has default=http:\/\/localhost:2380 but/,
      ],
      [['a', '--nmae', 'x'], /unknown flag: --nmae/],
    ];
    for (const [argv, message] of cases) await assert.rejects(restore(argv), message, argv.join(' '));
  });
});

describe('arguments of tools', () => {
  const usage = {
    usage: 'x',
    summary: 'does x',
    flags: {
      out: { type: 'string', default: '', description: 'where to' },
      fast: { type: 'boolean', default: false, description: '' },
    },
    short: { o: 'out' },
  } as const;

  test('flags stand anywhere, and take the next word unless they are booleans', () => {
    const cases: readonly [argv: string[], words: string[], out: string, fast: boolean][] = [
      [['file', '--out', 'a', '--fast', 'more'], ['file', 'more'], 'a', true],
      [['--fast=false', '-o', 'b', 'file'], ['file'], 'b', false],
      [['-ob', '-o=c', '-'], ['-'], 'c', false],
    ];
    for (const [argv, words, out, fast] of cases) {
      const given = must(toolArguments(usage, argv));
      assert.deepEqual([given.words, given.flags.out, given.flags.fast], [words, out, fast]);
    }
    assert.throws(() => toolArguments(usage, ['-z']), /unknown shorthand flag: 'z' in -z/);
    assert.throws(() => toolArguments(usage, ['--out']), /flag needs an argument: --out/);
  });
});

test('sizes are printed as etcd prints them', () => {
  const sizes: readonly [bytes: number, text: string][] = [
    [512, '512 B'],
    [20_480, '20 kB'],
    [1_258_291, '1.3 MB'],
    [247_000_000, '247 MB'],
  ];
  for (const [bytes, text] of sizes) assert.equal(humanBytes(bytes), text);
});
