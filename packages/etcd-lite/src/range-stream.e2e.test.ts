import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { must, realClock, silentLogger } from '@kubelab/component-base';
import { type Init, rpcErrorFrom, StatusCode } from '@kubelab/rpc';
import { Channel, EtcdClient } from '@kubelab/rpc/client';
import {
  etcdServices,
  type RangeRequest,
  type RangeResponse,
  type RangeStreamResponse,
} from '@kubelab/rpc/etcd';
import type { TestStore } from '@kubelab/rpc/testing';
import { targets } from './testing/targets.ts';

const EVERYTHING = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]) };

for (const target of targets) {
  describe(`RangeStream of ${target.name}`, { skip: target.skip }, () => {
    let store: TestStore;
    let client: EtcdClient;
    let channel: Channel;
    before(async () => {
      store = await target.start();
      client = new EtcdClient({ endpoints: store.endpoints, log: silentLogger, clock: realClock });
      channel = new Channel(must(store.endpoints[0]), { tls: undefined });
    });
    after(async () => {
      channel.close();
      client.close();
      await store.stop();
    });

    async function stream(request: Init<RangeRequest>): Promise<RangeResponse[]> {
      const responses = channel.serverStream<RangeStreamResponse>(etcdServices.KV, 'RangeStream', request);
      const parts: RangeResponse[] = [];
      try {
        for await (const { rangeResponse } of responses as AsyncIterable<RangeStreamResponse>)
          parts.push(must(rangeResponse));
      } catch (error) {
        throw rpcErrorFrom(error);
      }
      return parts;
    }

    if (target.name === 'etcd') {
      test('before 3.7 is answered so that clients fall back to Range', async () => {
        await assert.rejects(stream(EVERYTHING), { code: StatusCode.UNIMPLEMENTED });
      });
      return;
    }

    test('merged is the answer of Range; the header comes with the last part', async () => {
      for (let i = 0; i < 20; i++) {
        const success = Array.from({ length: 100 }, (_, j) => ({
          requestPut: { key: Buffer.from(`k${i * 100 + j}`), value: Buffer.alloc(400, i) },
        }));
        await client.txn({ success });
      }
      for (const limit of [0, 1500]) {
        const parts = await stream({ ...EVERYTHING, limit });
        assert.ok(parts.length > 3);
        assert.deepEqual(
          parts.slice(0, -1).map(({ header }) => header),
          parts.slice(1).map(() => null),
        );
        const kvs = parts.flatMap((part) => [...part.kvs]);
        assert.deepEqual(
          { ...must(parts.at(-1)), kvs },
          { ...(await client.range({ ...EVERYTHING, limit })) },
        );
      }
    });

    test('refuses what Range refuses, and what cannot come in parts', async () => {
      const cases: readonly [request: Init<RangeRequest>, code: number, text: RegExp][] = [
        [{}, 3, /key is not provided/],
        [{ ...EVERYTHING, revision: 999 }, 11, /future revision/],
        [{ ...EVERYTHING, sortOrder: 2 }, 12, /custom sort orders/],
        [{ ...EVERYTHING, minModRevision: 1 }, 12, /revision filters/],
      ];
      for (const [request, code, text] of cases)
        await assert.rejects(stream(request), { code, details: text });
    });
  });
}
