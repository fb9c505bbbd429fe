import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { must, seededRandom } from '@kubelab/component-base';
import { EtcdError } from '@kubelab/etcd-lite';
import { call, storeOf } from './clients/call.ts';
import { describeRequest, type Request } from './clients/operation.ts';
import { richCall } from './clients/rich-call.ts';
import { isRich, type RichRequest } from './clients/rich-request.ts';
import { Requests } from './clients/requests.ts';
import { simulate } from './simulation.ts';
import { Lab } from './testing/lab.ts';
import type { NodeSettings, Running, SimNode } from './world/sim-node.ts';

const STREAMS = 20;
const REQUESTS = 60;
/** Lives longer than a stream. */
const LEASE_SECONDS = 100_000;

const CONFIGURATIONS: readonly Partial<NodeSettings>[] = [
  { nodeCount: 1 },
  { nodeCount: 1, snapshotCount: 3, walSegmentBytes: 4096 },
  { nodeCount: 3 },
  { nodeCount: 3, snapshotCount: 5, heartbeatMs: 20, electionMs: 100 },
  { nodeCount: 3, walSegmentBytes: 4096, quotaBytes: 1 << 20 },
  { nodeCount: 5, snapshotCount: 20, walSegmentBytes: 8192 },
];

/** All that a stream of requests is answered, one after the other, by changing members, and the hash of what is left. */
async function answersOf(seed: number, settings: Partial<NodeSettings>): Promise<string[]> {
  const answers: string[] = [];
  await Lab.run(async (lab) => {
    const random = seededRandom(seed);
    const shared = { leases: [] as number[], revision: 1, compactedMax: 0 };
    const requests = new Requests('c', random, shared, { leaseSeconds: LEASE_SECONDS });
    for (let i = 0; i < REQUESTS; i++) {
      const request = random.float() < 0.6 ? requests.rich() : requests.next();
      const node = must(lab.nodes[i % lab.nodes.length]);
      // Some answers are of what a member has at the moment, as in etcd.
      await lab.until('all are as far', () => new Set(lab.nodes.map(appliedOf)).size === 1);
      const answer = await lab.ask(node, (running) => ask(running, request)).catch(refusalOf);
      if (typeof answer !== 'string') {
        shared.revision = Math.max(shared.revision, answer.revision);
        for (const { key, modRevision } of answer.found ?? []) requests.saw(key, modRevision);
        if (request.type === 'grant') shared.leases.push(request.lease);
      }
      // How long a lease still has depends on when it is asked.
      const told = request.type === 'time-to-live' && typeof answer !== 'string' ? answer.keys : answer;
      answers.push(`${describeRequest(request)} → ${JSON.stringify(told)}`);
    }
    const { hash } = await lab.ask(lab.leader, ({ snapshot }) => snapshot.hashKv({ revision: 0 }));
    answers.push(`hash ${hash}`);
  }, settings);
  return answers;
}

function ask(running: Running, request: Request | RichRequest): ReturnType<typeof call> {
  return isRich(request) ? richCall(running, request) : call(storeOf(running), request);
}

function appliedOf({ running }: SimNode): number | undefined {
  return running?.member.applied;
}

function refusalOf(error: unknown): string {
  if (error instanceof EtcdError) return error.reason;
  throw error;
}

describe('whatever the configuration', () => {
  test(`${STREAMS} streams of requests get the same answers in ${CONFIGURATIONS.length} configurations`, async () => {
    for (let seed = 1; seed <= STREAMS; seed++) {
      let expected: string[] | undefined;
      for (const settings of CONFIGURATIONS) {
        const answers = await answersOf(seed, settings);
        expected ??= answers;
        assert.deepEqual(answers, expected, `stream ${seed} with ${JSON.stringify(settings)}`);
      }
      assert.equal(expected?.length, REQUESTS + 1);
    }
  });

  test('SIM-1 20 seeds run twice have the same trace, byte by byte', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const run = () => simulate({ seed, eventCount: 3000 });
      assert.deepEqual(await run(), await run(), `seed ${seed}`);
    }
  });
});
