import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { ConfigMap, errors, type Pod, Secret } from '@kubelab/api';
import { FakeKubeClient } from '@kubelab/client/testing';
import { FakeClock } from '@kubelab/component-base/testing';
import { fieldContext } from '../pods/deps.ts';
import { type Payload, writeAtomically } from './atomic-writer.ts';
import { contains, hostPathGuard, setUpHostPath } from './host-path.ts';
import { ObjectStore } from './object-store.ts';
import { TokenManager } from './token-manager.ts';
import { VolumeManager } from './volume-manager.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kubelet-volumes-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const payload = (files: Record<string, string>): Payload =>
  new Map(Object.entries(files).map(([path, text]) => [path, { content: Buffer.from(text), mode: 0o640 }]));

describe('atomic writer', () => {
  test('readers see the old or the new: names lead through one symlink that is swapped', async () => {
    const volume = join(folder, 'atomic');
    assert.equal(await writeAtomically(volume, payload({ a: '1', 'dir/b': '2', gone: 'x' })), true);
    assert.equal(await readFile(join(volume, 'dir/b'), 'utf8'), '2');
    assert.equal(await readlink(join(volume, 'a')), '..data/a');
    assert.equal((await stat(join(volume, 'a'))).mode & 0o777, 0o640);
    const first = await readlink(join(volume, '..data'));
    assert.equal(await writeAtomically(volume, payload({ a: '1', 'dir/b': '2', gone: 'x' })), false);
    assert.equal(await writeAtomically(volume, payload({ a: '3', 'dir/b': '2' })), true);
    assert.equal(await readFile(join(volume, 'a'), 'utf8'), '3');
    const names = await readdir(volume);
    assert.ok(!names.includes('gone') && !names.includes(first));
  });

  test('VOL-1 a path that leaves the volume is refused', async () => {
    for (const path of ['../x', '/etc/passwd', 'a/../../x', '', '..data']) {
      await assert.rejects(
        writeAtomically(join(folder, 'bad'), payload({ [path]: 'x' })),
        /invalid path/,
        path,
      );
    }
  });
});

describe('hostPath', () => {
  test('HOSTPATH-1 what belongs to the node is refused: itself, below, above, through .. and symlinks', async () => {
    const own = join(folder, 'own');
    await mkdir(join(own, 'deep'), { recursive: true });
    await mkdir(join(folder, 'free'));
    await symlink(own, join(folder, 'free', 'link'));
    const guard = hostPathGuard([own]);
    const refused = [
      own,
      join(own, 'deep'),
      join(own, 'not-yet'),
      folder,
      '/',
      join(folder, 'free', '..', 'own'),
      join(folder, 'free', 'link'),
      join(folder, 'free', 'link', 'deep'),
      '/run/docker.sock',
      '/var/run/docker.sock',
      '/var/lib/docker/volumes',
      '/run',
    ];
    for (const path of refused) await assert.rejects(guard.resolve(path), /is refused/, path);
    assert.equal(await guard.resolve(join(folder, 'free')), join(folder, 'free'));
    assert.equal(await guard.resolve(join(folder, 'owner')), join(folder, 'owner')); // a name that only begins alike
  });

  test('types are checked or made', async () => {
    const guard = hostPathGuard([]);
    const file = join(folder, 'file');
    const made = join(folder, 'made/deep');
    await writeFile(file, '');
    const setUp = (path: string, type: string) => setUpHostPath({ path, type }, guard);
    assert.equal(await setUp(file, 'File'), file);
    await assert.rejects(setUp(file, 'Directory'), /is not a directory/);
    await assert.rejects(setUp(join(folder, 'none'), 'File'), /is not a file/);
    assert.equal(await setUp(made, 'DirectoryOrCreate'), made);
    assert.equal(await setUp(join(folder, 'new-file'), 'FileOrCreate'), join(folder, 'new-file'));
    await assert.rejects(setUp(file, 'Socket'), /socket file/);
  });

  test('contains knows names that begin with dots', () => {
    assert.equal(contains('/a', '/a/..b'), true);
    assert.equal(contains('/a', '/a/../b'), false);
    assert.equal(contains('/a/b', '/a/bc'), false);
  });
});

describe('a pod’s volumes', () => {
  let client: FakeKubeClient;
  let clock: FakeClock;
  let volumes: VolumeManager;
  const facts = {
    nodeName: 'node-1',
    hostIp: '192.0.2.1',
    clusterDns: [],
    clusterDomain: 'cluster.local',
    allocatable: { cpu: 4000, memory: 2 ** 30 },
  };
  let tokenCount: number;

  beforeEach(async () => {
    clock = new FakeClock();
    client = new FakeKubeClient({ clock });
    tokenCount = 0;
    client.createSubresource = async <R>() => {
      const expiry = new Date(clock.now() + 3_600_000).toISOString();
      return { status: { token: `token-${++tokenCount}`, expirationTimestamp: expiry } } as R;
    };
    const objects = new ObjectStore(client, clock);
    const sources = {
      objects,
      tokens: new TokenManager(client, clock),
      fields: (pod: Parameters<typeof fieldContext>[1]) => fieldContext(facts, pod, '10.0.0.2'),
    };
    const rootDir = await mkdtemp(join(folder, 'root-'));
    volumes = new VolumeManager({ rootDir, client, guard: hostPathGuard([rootDir]), sources });
  });

  const pod = (spec: Partial<Pod['spec']>): Pod => ({
    metadata: {
      name: 'p',
      namespace: 'default',
      uid: 'u1',
      resourceVersion: '1',
      creationTimestamp: '',
      labels: { a: 'b' },
    },
    spec: { containers: [{ name: 'web' }], serviceAccountName: 'default', ...spec },
  });

  test('a projected volume joins a token, a ConfigMap and fields, as every pod has one', async () => {
    client.seed(ConfigMap, {
      metadata: { name: 'kube-root-ca.crt', namespace: 'default' },
      data: { 'ca.crt': 'CA' },
    });
    const wanted = pod({
      volumes: [
        {
          name: 'kube-api-access',
          projected: {
            sources: [
              { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
              { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
              {
                downwardAPI: {
                  items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }],
                },
              },
            ],
          },
        },
      ],
    });
    const path = (await volumes.setUp(wanted)).get('kube-api-access') ?? '';
    const read = async () =>
      Object.fromEntries(
        await Promise.all(
          ['token', 'ca.crt', 'namespace'].map(async (name) => [
            name,
            await readFile(join(path, name), 'utf8'),
          ]),
        ),
      ) as Record<string, string>;
    assert.deepEqual(await read(), { token: 'token-1', 'ca.crt': 'CA', namespace: 'default' });
    await clock.advance(10 * 60_000);
    await volumes.setUp(wanted);
    assert.equal((await read())['token'], 'token-1');
    await clock.advance(45 * 60_000); // past four fifths of its life
    await volumes.setUp(wanted);
    assert.equal((await read())['token'], 'token-2');
  });

  test('a changed ConfigMap reaches the volume; binary data and secrets are decoded', async () => {
    client.seed(ConfigMap, {
      metadata: { name: 'c', namespace: 'default' },
      data: { a: 'one' },
      binaryData: { b: Buffer.from([1, 2]).toString('base64') },
    });
    client.seed(Secret, {
      metadata: { name: 's', namespace: 'default' },
      data: { key: Buffer.from('hush').toString('base64') },
    });
    const wanted = pod({
      volumes: [
        { name: 'c', configMap: { name: 'c' } },
        { name: 's', secret: { secretName: 's', items: [{ key: 'key', path: 'deep/word', mode: 0o400 }] } },
      ],
    });
    const paths = await volumes.setUp(wanted);
    assert.deepEqual([...(await readFile(join(paths.get('c') ?? '', 'b')))], [1, 2]);
    assert.equal(await readFile(join(paths.get('s') ?? '', 'deep/word'), 'utf8'), 'hush');
    client.mutate(ConfigMap, 'default/c', (object) => {
      object.data = { a: 'two' };
    });
    await clock.advance(2_000);
    await volumes.setUp(wanted);
    assert.equal(await readFile(join(paths.get('c') ?? '', 'a'), 'utf8'), 'two');
  });

  test('an API server that hears of the binding a moment later is asked again', async () => {
    client.seed(ConfigMap, { metadata: { name: 'c', namespace: 'default' }, data: { a: 'one' } });
    let refusals = 2;
    client.intercept(({ verb }) =>
      verb === 'get' && refusals-- > 0
        ? errors.forbidden(ConfigMap, 'c', 'no relationship found')
        : undefined,
    );
    const setUp = volumes.setUp(pod({ volumes: [{ name: 'c', configMap: { name: 'c' } }] }));
    await clock.advance(300);
    assert.equal(await readFile(join((await setUp).get('c') ?? '', 'a'), 'utf8'), 'one');
  });

  test('what is missing is named with its volume; optional is empty', async () => {
    const missing = pod({ volumes: [{ name: 'v', configMap: { name: 'no' } }] });
    await assert.rejects(volumes.setUp(missing), {
      message: 'MountVolume.SetUp failed for volume "v" : configmap "no" not found',
    });
    const optional = pod({ volumes: [{ name: 'v', configMap: { name: 'no', optional: true } }] });
    const path = (await volumes.setUp(optional)).get('v') ?? '';
    assert.ok((await stat(path)).isDirectory());
  });

  test('VOL-2 a sub-path stays in its volume, symlinks followed', async () => {
    const wanted = pod({ volumes: [{ name: 'v', emptyDir: {} }] });
    const paths = await volumes.setUp(wanted);
    const volume = paths.get('v') ?? '';
    await symlink('/etc', join(volume, 'out'));
    const mounts = (subPath: string) =>
      volumes.mounts(
        wanted,
        { name: 'web', volumeMounts: [{ name: 'v', mountPath: '/m', subPath }] },
        paths,
        (text) => text,
      );
    assert.equal((await mounts('made/here'))[0]?.hostPath, join(volume, 'made/here'));
    for (const subPath of ['out', 'out/passwd', '../x', '/etc']) {
      await assert.rejects(mounts(subPath), /must stay within/, subPath);
    }
  });

  test('tearing down removes the pod’s folder and nothing of a hostPath', async () => {
    const host = join(folder, 'host-data');
    await mkdir(host);
    await writeFile(join(host, 'keep'), '');
    await volumes.setUp(
      pod({
        volumes: [
          { name: 'h', hostPath: { path: host } },
          { name: 'e', emptyDir: {} },
        ],
      }),
    );
    assert.deepEqual(await volumes.podUids(), ['u1']);
    await volumes.tearDown('u1');
    assert.deepEqual(await volumes.podUids(), []);
    assert.deepEqual(await readdir(host), ['keep']);
  });
});
