import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort } from './real-etcd.ts';

test('no port is given twice', async () => {
  const ports: number[] = [];
  for (let i = 0; i < 1000; i++) ports.push(await freePort());
  assert.equal(new Set(ports).size, ports.length);
});
