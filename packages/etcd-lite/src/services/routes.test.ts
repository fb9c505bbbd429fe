import assert from 'node:assert/strict';
import { test } from 'node:test';
import { must } from '@kubelab/component-base';
import type { CallInfo, ServerStream, ServiceHandlers } from '@kubelab/rpc';
import { etcdServices } from '@kubelab/rpc/etcd';
import { addRoutes, bidi, type Guard, serverStream, unary } from './routes.ts';

const call = { path: '/etcdserverpb.KV/Range' } as CallInfo;
const stream = { path: '/etcdserverpb.Watch/Watch' } as ServerStream<never, never>;

/** What a server is given for one route, past guards that write down what they see. */
function served(route: (guard: (name: string) => Guard) => Parameters<typeof addRoutes>[2][string]): {
  readonly handlers: ServiceHandlers;
  readonly seen: unknown[];
} {
  const seen: unknown[] = [];
  let handlers: ServiceHandlers = {};
  const guard =
    (name: string): Guard =>
    (request) => {
      seen.push([name, request]);
      return name.startsWith('slow') ? Promise.resolve() : undefined;
    };
  const server = { addService: (_: unknown, given: ServiceHandlers) => (handlers = given) };
  addRoutes(server, etcdServices.KV, { Range: route(guard) }, [guard('always')]);
  return { handlers, seen };
}

/** The handler of the one unary route. */
function unaryOf({ unary: given }: ServiceHandlers): (request: string, call: CallInfo) => unknown {
  return must(given?.Range, 'a handler') as (request: string, call: CallInfo) => unknown;
}

test('a call passes the guards of all routes, then its own, then comes to its handler', async () => {
  const { handlers, seen } = served((guard) =>
    unary((request: string) => `${request}!`, guard('slow one'), guard('two')),
  );
  const answer = unaryOf(handlers);
  assert.equal(await answer('hello', call), 'hello!');
  assert.deepEqual(seen, [
    ['always', 'hello'],
    ['slow one', 'hello'],
    ['two', 'hello'],
  ]);
});

test('guards that answer at once cost no turn', () => {
  const { handlers } = served((guard) => unary(() => 'now', guard('one')));
  assert.equal(unaryOf(handlers)('', call), 'now');
});

test('a guard that throws, at once or later, keeps the call from its handler', async () => {
  for (const refuse of [
    (): void => {
      throw new Error('no');
    },
    (): Promise<void> => Promise.reject(new Error('no')),
  ]) {
    let isCalled = false;
    const { handlers } = served((guard) => unary(() => (isCalled = true), refuse, guard('after')));
    const answer = unaryOf(handlers);
    await assert.rejects(async () => answer('', call), /no/);
    assert.equal(isCalled, false);
  }
});

test('streams pass guards before anything is read of them', async () => {
  const both = served((guard) => bidi(() => Promise.resolve(), guard('own')));
  await both.handlers.bidi?.Range?.(stream);
  assert.deepEqual(both.seen, [
    ['always', undefined],
    ['own', undefined],
  ]);
  const answering = served((guard) => serverStream(() => Promise.resolve(), guard('own')));
  const answer = must(answering.handlers.serverStream?.Range, 'a handler');
  await answer('x' as never, stream);
  assert.deepEqual(answering.seen, [
    ['always', 'x'],
    ['own', 'x'],
  ]);
});
