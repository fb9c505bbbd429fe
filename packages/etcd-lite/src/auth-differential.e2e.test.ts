import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Random, seededRandom } from '@kubelab/component-base';
import { isRpcError, statusName } from '@kubelab/rpc';
import { bytesOf, textOf } from '@kubelab/rpc/etcd';
import { startStore, type TestStore } from '@kubelab/rpc/testing';
import { MAIN } from './testing/processes.ts';
import { type Headers, RawClient, type Service } from './testing/raw-client.ts';
import { isInstalled } from './testing/targets.ts';

/** The same random changes of users and the same random reads and writes of theirs, on etcd and on ours. */
const SEED = Number(process.env['SEED'] ?? 1);
const REQUESTS = Number(process.env['REQUESTS'] ?? 800);
const skip = isInstalled('etcd') ? false : 'no etcd here';

const stores: TestStore[] = [];
const clients: RawClient[] = [];
before(async () => {
  if (skip !== false) return;
  for (const [program, ...args] of [['etcd'], [process.execPath, MAIN]] as const)
    stores.push(await startStore(program ?? '', [...args, '--bcrypt-cost=4']));
  for (const { endpoints } of stores) clients.push(new RawClient(endpoints[0] ?? ''));
  for (const client of clients) {
    await client.call('Auth', 'UserAdd', { name: 'root', password: 'root' });
    await client.call('Auth', 'UserGrantRole', { user: 'root', role: 'root' });
  }
});
after(async () => {
  for (const client of clients) client.close();
  for (const store of stores) await store.stop();
});

test(`${REQUESTS} random changes and requests of users (SEED=${SEED}) are answered as etcd answers them`, {
  skip,
}, async () => {
  const random = seededRandom(SEED);
  const counts = new Map<string, number>();
  for (let i = 0; i < REQUESTS; i++) {
    const { who, service, rpc, request } = randomRequest(random);
    const ask = async (client: RawClient): Promise<unknown> => {
      const login = await loginOf(client, who);
      return { login: typeof login, outcome: await outcomeOf(client, service, rpc, request, login) };
    };
    const [theirs, ours] = await Promise.all(clients.map(ask));
    assert.deepEqual(ours, theirs, `request ${i}: ${who} ${rpc} ${show(request)}; replay with SEED=${SEED}`);
    const kind = show(ours).replace(/.*"outcome":[{"]*(\w+).*/, '$1');
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  // Else the test would say little.
  for (const [kind, min] of [
    ['OK', 0.3],
    ['PERMISSION_DENIED', 0.05],
    ['FAILED_PRECONDITION', 0.05],
  ] as const)
    assert.ok((counts.get(kind) ?? 0) > min * REQUESTS, `${kind}: ${show(Object.fromEntries(counts))}`);
});

interface Asked {
  readonly who: string;
  readonly service: Service;
  readonly rpc: string;
  readonly request: object;
}

const USERS = ['u0', 'u1', 'u2', 'nobody'];
const ROLES = ['r0', 'r1', 'r2'];
/** One range for each key: etcd keeps several of one key apart in ways that its releases do not share. */
const RANGES: readonly (readonly [string, string])[] = [
  ['a', ''],
  ['b', 'd'],
  ['c', 'e'],
  ['d', ''],
  ['f', 'g'],
  ['g', '\0'],
];
const KEYS = ['a', 'aa', 'b', 'c', 'cc', 'd', 'e', 'f', 'g', 'z'];

function one<T>(random: Random, from: readonly T[]): T {
  return from[random.int(from.length)] ?? assert.fail();
}

function randomRequest(random: Random): Asked {
  if (random.int(2) === 0) {
    const [rpc, request] = randomData(random);
    return { who: one(random, USERS), service: 'KV', rpc, request };
  }
  const [rpc, request] = randomChange(random);
  return { who: random.int(8) === 0 ? one(random, USERS) : 'root', service: 'Auth', rpc, request };
}

function randomChange(random: Random): [string, object] {
  const name = one(random, USERS.slice(0, 3));
  const role = one(random, ROLES);
  const [key, rangeEnd] = one(random, RANGES);
  const range = { key: bytesOf(key), rangeEnd: bytesOf(rangeEnd) };
  const changes: readonly (readonly [number, string, object])[] = [
    [4, 'UserAdd', { name, password: name }],
    [1, 'UserDelete', { name }],
    [1, 'UserChangePassword', { name, password: name }],
    [6, 'UserGrantRole', { user: name, role }],
    [2, 'UserRevokeRole', { name, role }],
    [2, 'UserGet', { name }],
    [1, 'UserList', {}],
    [4, 'RoleAdd', { name: role }],
    [1, 'RoleDelete', { role }],
    [9, 'RoleGrantPermission', { name: role, perm: { permType: random.int(3), ...range } }],
    [3, 'RoleRevokePermission', { role, ...range }],
    [2, 'RoleGet', { role }],
    [1, 'RoleList', {}],
    [4, 'AuthEnable', {}],
    [1, 'AuthDisable', {}],
    [1, 'UserDelete', { name: 'root' }],
    [1, 'UserRevokeRole', { name: 'root', role: 'root' }],
    [2, 'UserAdd', { name: 'root', password: 'root' }],
    [2, 'UserGrantRole', { user: 'root', role: 'root' }],
  ];
  let at = random.int(changes.reduce((sum, [weight]) => sum + weight, 0));
  for (const [weight, rpc, request] of changes) {
    at -= weight;
    if (at < 0) return [rpc, request];
  }
  return assert.fail();
}

function randomKeys(random: Random): { key: Uint8Array; rangeEnd?: Uint8Array } {
  const [key, end] = [one(random, KEYS), one(random, KEYS)];
  if (random.int(8) === 0) return { key: bytesOf(key), rangeEnd: Uint8Array.of(0) };
  return random.int(2) === 0 && key < end
    ? { key: bytesOf(key), rangeEnd: bytesOf(end) }
    : { key: bytesOf(key) };
}

function randomData(random: Random): [string, object] {
  const keys = randomKeys(random);
  const { key } = keys;
  const value = bytesOf(`v${random.int(9)}`);
  switch (random.int(5)) {
    case 0:
      return ['Put', { key, value, prevKv: random.int(2) === 0 }];
    case 1:
      return ['DeleteRange', { ...keys, prevKv: random.int(2) === 0 }];
    case 2: {
      const compare = random.int(2) === 0 ? [] : [{ key: bytesOf(one(random, KEYS)), target: 0, version: 0 }];
      const op = [{ requestPut: { key, value } }, { requestRange: keys }][random.int(2)] ?? {};
      return [
        'Txn',
        { compare, success: [op], failure: random.int(2) === 0 ? [] : [{ requestRange: keys }] },
      ];
    }
    default:
      return ['Range', { ...keys, serializable: random.int(2) === 0 }];
  }
}

/** Their headers, or why they got none. */
async function loginOf(client: RawClient, name: string): Promise<Headers | string> {
  if (name === 'nobody') return {};
  try {
    return await client.login(name, name);
  } catch (error) {
    return isRpcError(error) ? error.details : String(error);
  }
}

async function outcomeOf(
  client: RawClient,
  service: Service,
  rpc: string,
  request: object,
  login: Headers | string,
): Promise<unknown> {
  // Without a token they are nobody.
  const headers = typeof login === 'string' ? {} : login;
  try {
    const answer = await client.call(service, rpc, request, headers);
    return { OK: plain(answer), why: typeof login === 'string' ? login : '' };
  } catch (error) {
    if (!isRpcError(error)) throw error;
    return `${statusName(error.code)} ${error.details}`;
  }
}

/** What an answer says, but for its header. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return textOf(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== 'header')
      .map(([name, each]) => [name, plain(each)]),
  );
}

function show(value: unknown): string {
  return JSON.stringify(value, (_name, each: unknown) => (each instanceof Uint8Array ? textOf(each) : each));
}
