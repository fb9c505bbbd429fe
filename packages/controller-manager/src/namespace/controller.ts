/**
 * Namespace controller — empties a namespace that is being deleted, then lets it go.
 * Reads: namespaces, pods (cache), discovery, whatever the namespace holds (live).
 * Writes: deletions, namespaces/finalize and /status.
 * Invariants
 *   NS-1  the finalizer `kubernetes` is taken off only after every resource answered that it holds nothing
 *   NS-2  what could not be asked (a group that fails discovery) keeps the namespace
 */
import { Namespace, Pod, semanticEqual } from '@kubelab/api';
import { type ControllerDeps, type ControllerSpec, done } from '@kubelab/client';
import { assert, rfc3339 } from '@kubelab/component-base';
import { type Discovery, discover } from '../shared/discovery.ts';
import type { Seen } from '../shared/objects.ts';
import { enqueueSelf } from '../shared/watching.ts';
import { deleteContent } from './content.ts';
import { deletionStatus, isEmptied } from './plan.ts';

const FINALIZER = 'kubernetes';
const DISCOVERY_MAX_AGE_MS = 30_000;
/** Pods that end wake us at once; everything else that takes its time is looked at this often. */
const REMAINING_RETRY_MS = 1_000;
const POD_GONE_DELAY_MS = 50;

export function namespaceController({ client, informers, clock }: ControllerDeps): ControllerSpec {
  const namespaces = informers.of(Namespace);
  const pods = informers.of(Pod);
  let known: { readonly discovery: Discovery; readonly atMs: number } | undefined;

  return {
    name: 'namespace',
    workers: 3,
    watch(enqueue) {
      enqueueSelf(namespaces, enqueue);
      pods.addHandler({
        onDelete: ({ metadata: { namespace = '' } }) => {
          if (isGoing(namespaces.get(namespace))) enqueue(namespace, POD_GONE_DELAY_MS);
        },
      });
    },
    async reconcile(name, { log }) {
      const namespace = namespaces.get(name);
      if (namespace === undefined || !isGoing(namespace)) return done;
      if (!(namespace.spec.finalizers ?? []).includes(FINALIZER)) return done;

      const report = await deleteContent(client, name, await discovery());
      if (isEmptied(report)) {
        await finalize(namespace);
        return done;
      }
      log.info('content remains', { remaining: report.remaining.map(({ resource }) => resource) });
      const status = deletionStatus(namespace, report, rfc3339(clock.now()));
      if (!semanticEqual(namespace.status, status))
        await client.updateStatus(Namespace, { ...namespace, status });
      return { requeueAfterMs: REMAINING_RETRY_MS };
    },
  };

  async function discovery(): Promise<Discovery> {
    const nowMs = clock.monotonic();
    const isFresh = known !== undefined && nowMs - known.atMs < DISCOVERY_MAX_AGE_MS;
    if (known === undefined || !isFresh || known.discovery.failures.length > 0) {
      known = { discovery: await discover(client), atMs: nowMs };
    }
    return known.discovery;
  }

  async function finalize(namespace: Seen<Namespace>): Promise<void> {
    assert(isGoing(namespace), 'NS-1');
    const finalizers = (namespace.spec.finalizers ?? []).filter((finalizer) => finalizer !== FINALIZER);
    const finalized = { ...namespace, spec: { ...namespace.spec, finalizers } };
    await client.update(Namespace, finalized, { subresource: 'finalize' });
  }
}

function isGoing(namespace: Seen<Namespace> | undefined): boolean {
  return namespace?.metadata.deletionTimestamp !== undefined;
}
