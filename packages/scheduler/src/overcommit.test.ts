/**
 * K5: whatever goes wrong around it, the scheduler never puts more on a node than fits, and binds no pod
 * twice.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuMillis, errors, isPodTerminal, Node, Pod } from '@kubelab/api';
import { createEventRecorder, createInformerFactory, TransportError } from '@kubelab/client';
import { FakeKubeClient, startInformers } from '@kubelab/client/testing';
import { seededRandom, silentLogger } from '@kubelab/component-base';
import { FakeClock } from '@kubelab/component-base/testing';
import fc from 'fast-check';
import { buildProfile } from './profile.ts';
import { Scheduler } from './scheduler.ts';
import { newNode, newPod } from './testing/fixtures.ts';

type Step =
  | { readonly do: 'pod'; readonly cpu: number; readonly priority: number }
  | { readonly do: 'node'; readonly cpu: number }
  | { readonly do: 'end' | 'delete' | 'vanish' | 'uncordon' | 'drop' | 'expire'; readonly which: number }
  | { readonly do: 'wait'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('pod' as const),
      cpu: fc.integer({ min: 1, max: 20 }),
      priority: fc.integer({ min: 0, max: 2 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('node' as const), cpu: fc.integer({ min: 5, max: 40 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('end', 'delete', 'vanish', 'uncordon', 'drop', 'expire'),
      which: fc.nat(50),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 3000 }) }),
  },
);
/** What happens to the n-th binding, how long each way takes, and how far the watches are behind. */
const fate = fc.record({
  outcome: fc.constantFrom('arrives', 'arrives', 'arrives', 'refused', 'lost before', 'lost after'),
  thereMs: fc.integer({ min: 0, max: 200 }),
  backMs: fc.integer({ min: 0, max: 200 }),
  watchLagMs: fc.integer({ min: 0, max: 500 }),
});
type Fate = typeof fate extends fc.Arbitrary<infer F> ? F : never;

async function live(steps: readonly Step[], fates: readonly Fate[]): Promise<void> {
  const clock = new FakeClock();
  const client = new FakeKubeClient({ clock });
  const deps = { clock, random: seededRandom(1), log: silentLogger };
  const informers = createInformerFactory(client, deps);
  const events = createEventRecorder(client, { component: 'default-scheduler', ...deps });
  const scheduler = new Scheduler({ client, informers, events, ...deps }, { profiles: [buildProfile()] });

  let fateCount = 0;
  const nextFate = () => fates[fateCount++ % fates.length] as Fate;
  const bind = client.createSubresource.bind(client);
  client.createSubresource = async (...args) => {
    const { outcome, thereMs, backMs } = nextFate();
    const lost = () => new TransportError('a', 'reset', { maybeSent: true });
    await clock.sleep(thereMs);
    if (outcome === 'refused') throw errors.internalError(new Error('refused'));
    if (outcome === 'lost before') throw lost();
    const answer = await bind(...args);
    check();
    await clock.sleep(backMs);
    if (outcome === 'lost after') throw lost();
    return answer as never;
  };
  const watch = client.watch.bind(client);
  client.watch = async function* (...args) {
    for await (const event of watch(...args)) {
      await clock.sleep(nextFate().watchLagMs);
      yield event;
    }
  };
  function check(): void {
    for (const { metadata, status } of client.objects(Node)) {
      const there = client
        .objects(Pod)
        .filter((pod) => pod.spec.nodeName === metadata.name && !isPodTerminal(pod));
      const used = there.reduce(
        (sum, { spec }) => sum + cpuMillis(spec.containers[0]?.resources?.requests?.['cpu'] ?? 0),
        0,
      );
      const room = cpuMillis(status?.allocatable?.['cpu'] ?? 0);
      assert.ok(used <= room, `K5 ${metadata.name} has ${room}, used ${used}`);
    }
  }

  const stop = await startInformers(informers);
  void scheduler.run(stop.signal);
  let made = 0;
  for (const each of steps) {
    const pods = client.objects(Pod);
    const nodes = client.objects(Node);
    if (each.do === 'pod')
      client.seed(Pod, newPod(`p-${made++}`, { cpu: `${each.cpu}00m`, spec: { priority: each.priority } }));
    else if (each.do === 'node') client.seed(Node, newNode(`n-${made++}`, { cpu: `${each.cpu}00m` }));
    else if (each.do === 'wait') await clock.advance(each.ms);
    else if (each.do === 'drop') client.dropWatches();
    else if (each.do === 'expire') {
      client.dropWatches();
      client.forgetHistory();
    } else if (each.do === 'vanish') {
      const node = nodes[each.which % Math.max(1, nodes.length)];
      if (node !== undefined) client.removeNow(Node, node.metadata.name);
    } else if (each.do === 'uncordon') {
      const node = nodes[each.which % Math.max(1, nodes.length)];
      if (node !== undefined)
        client.mutate(Node, node.metadata.name, ({ spec }) =>
          Object.assign(spec ?? {}, { unschedulable: spec?.unschedulable !== true }),
        );
    } else {
      const pod = pods[each.which % Math.max(1, pods.length)];
      if (pod === undefined) continue;
      const key = `default/${pod.metadata.name}`;
      if (each.do === 'delete') client.removeNow(Pod, key);
      else client.mutate(Pod, key, (ended) => (ended.status = { ...ended.status, phase: 'Succeeded' }));
    }
  }
  await clock.advance(30_000);
  check();
  stop.abort();
}

test('K5 SCHED-1 no node is ever over-committed, whatever happens to pods, nodes, watches and bindings', async () => {
  const property = fc.asyncProperty(
    fc.array(step, { maxLength: 60 }),
    fc.array(fate, { minLength: 1, maxLength: 12 }),
    live,
  );
  await fc.assert(property, { numRuns: Number(process.env['K5_RUNS'] ?? 150) });
});
