import assert from 'node:assert/strict';
import { test } from 'node:test';
import { targets } from './testing/targets.ts';
import type { TestStore } from '@kubelab/rpc/testing';

/** That etcd has only since 3.5, or that appear with the first of what they count. */
const NOT_IN_3_4 = new Set([
  'etcd_server_healthcheck',
  'etcd_server_healthchecks_total',
  'etcd_network_active_peers',
  'etcd_network_peer_sent_bytes_total',
  'etcd_network_peer_sent_failures_total',
  'etcd_network_peer_round_trip_time_seconds',
]);

/** Metrics by name, with their types. */
async function typesOf({ endpoints: [endpoint] }: TestStore): Promise<Map<string, string>> {
  const text = await (await fetch(`${endpoint}/metrics`)).text();
  return new Map(
    [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]),
  );
}

const both = targets.every(({ skip }) => skip === false);

test('metrics have the names and types that etcd’s have', { skip: !both && 'no etcd here' }, async () => {
  const stores: TestStore[] = [];
  try {
    for (const target of targets) stores.push(await target.start());
    const [real = new Map<string, string>(), ours = new Map<string, string>()] = await Promise.all(
      stores.map(typesOf),
    );
    const own = [...ours].filter(([name]) => /^(etcd|grpc)_/.test(name));
    assert.ok(own.length > 40, `${own.length} metrics`);
    for (const [name, type] of own) {
      if (NOT_IN_3_4.has(name)) continue;
      assert.equal(type, real.get(name), name);
    }
  } finally {
    for (const store of stores) await store.stop();
  }
});
