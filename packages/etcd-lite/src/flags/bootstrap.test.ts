import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseCluster } from '../shell/cluster.ts';
import { checkBootstrap } from './bootstrap.ts';
import { ConfigError } from './notice.ts';

const resolve = (host: string): Promise<string> =>
  host === 'm1.example' ? Promise.resolve('10.0.0.1') : Promise.resolve(host);

function check(advertised: string, cluster: string): Promise<void> {
  const flags = { name: 'm1', 'initial-advertise-peer-urls': advertised.split(',') };
  return checkBootstrap(flags, parseCluster(cluster.split(','), 'm1', 'lab'), resolve);
}

suite('a cluster that is founded by flags', () => {
  test('knows a member by the URLs that it advertises, or by other names of them', async () => {
    await check('http://10.0.0.1:1', 'm1=http://10.0.0.1:1,m2=http://10.0.0.2:1');
    await check('http://10.0.0.1:2,http://10.0.0.1:1', 'm1=http://10.0.0.1:1,m1=http://10.0.0.1:2');
    await check('http://m1.example:1', 'm1=http://10.0.0.1:1');
  });

  const wrong: readonly (readonly [string, string, string])[] = [
    [
      'http://10.0.0.1:1',
      'm1=http://10.0.0.1:2',
      '--initial-cluster has m1=http://10.0.0.1:2 but missing from --initial-advertise-peer-urls=http://10.0.0.1:1',
    ],
    [
      'http://10.0.0.1:1,http://10.0.0.1:3',
      'm1=http://10.0.0.1:1',
      '--initial-advertise-peer-urls has http://10.0.0.1:3 but missing from --initial-cluster=m1=http://10.0.0.1:1',
    ],
    [
      'http://10.0.0.1:1',
      'm1=http://10.0.0.1:1,m2=http://10.0.0.2:1,m3=http://10.0.0.2:1,m3=http://10.0.0.2:2',
      'initial cluster m1=http://10.0.0.1:1,m2=http://10.0.0.2:1,m3=http://10.0.0.2:1,m3=http://10.0.0.2:2 has duplicate url',
    ],
  ];
  for (const [advertised, cluster, message] of wrong)
    test(`refuses ${cluster} with ${advertised}`, () =>
      assert.rejects(check(advertised, cluster), new ConfigError(message)));
});
