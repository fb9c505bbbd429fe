import { getCondition, Node } from '@kubelab/api';
import { errorMessage } from '@kubelab/component-base';
import { setTimeout as delay } from 'node:timers/promises';
import { membersOf } from '../core/plan.ts';
import type { OpenLab } from './open.ts';
import { adminClient, storeClient } from './clients.ts';

const POLL_MS = 100;
/** A cold machine that also compiles takes this long at the most. */
const READY_MS = 180_000;

/** Polls until `check` gives undefined; its text says what is still missing, and is the error when time is over. */
async function until(
  what: string,
  tell: (line: string) => void,
  check: () => Promise<string | undefined>,
): Promise<void> {
  const endMs = performance.now() + READY_MS;
  let last = '';
  while (performance.now() < endMs) {
    const missing = await check().catch(errorMessage);
    if (missing === undefined) return;
    if (missing !== last) tell(missing);
    last = missing;
    await delay(POLL_MS);
  }
  throw new Error(`${what} not within ${READY_MS / 1000} s: ${last}`);
}

/** A member of the store leads. */
export async function storeReady(lab: OpenLab, tell: (line: string) => void): Promise<void> {
  const client = await storeClient(lab);
  try {
    await until('the store was ready', tell, async () => {
      await client.range({ key: Buffer.from('/registry/health') });
      return undefined;
    });
  } finally {
    client.close();
  }
}

/** The API answers through the balancer, and every node that should run is Ready. */
export async function nodesReady(lab: OpenLab, tell: (line: string) => void): Promise<void> {
  const client = await adminClient(lab);
  const expected = membersOf(lab.plan, 'node').filter(({ name }) => !lab.state.down.includes(name));
  try {
    await until('all nodes were Ready', tell, async () => {
      const nodes = await client.list(Node);
      const ready = new Set(nodes.items.filter(isReady).map((node) => node.metadata.name));
      const missing = expected.filter(({ name }) => !ready.has(name));
      return missing.length === 0 ? undefined : `waiting for ${missing.map(({ name }) => name).join(', ')}`;
    });
  } finally {
    client.close();
  }
}

/** Every node's DNS knows the API's own Service. */
export async function dnsReady(lab: OpenLab, tell: (line: string) => void): Promise<void> {
  const nodes = membersOf(lab.plan, 'node').filter(({ name }) => !lab.state.down.includes(name));
  const name = `kubernetes.default.svc.${lab.plan.clusterDomain}`;
  await until('DNS answered', tell, async () => {
    const answers = await Promise.all(nodes.map((node) => lab.driver.resolves(lab, node, name)));
    const silent = nodes.flatMap((node, i) => (answers[i] === true ? [] : [node.name]));
    return silent.length === 0 ? undefined : `waiting for DNS on ${silent.join(', ')}`;
  });
}

function isReady(node: Node): boolean {
  return getCondition(node.status?.conditions, 'Ready')?.status === 'True';
}
