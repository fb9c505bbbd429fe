/**
 * Node IPAM controller — gives every node a pod network of its own out of the cluster CIDR.
 * Reads: nodes (cache).  Writes: nodes (spec.podCIDR, spec.podCIDRs).
 * Invariants
 *   IPAM-1  a network is given only when no node, seen or just served by us, holds it
 *   IPAM-2  a node's network never changes
 */
import { Node } from '@kubelab/api';
import { type ControllerDeps, type ControllerSpec, done } from '@kubelab/client';
import { assert } from '@kubelab/component-base';
import { refOf } from '../shared/objects.ts';
import { CidrSet } from './cidr-set.ts';

/** A full cluster may get room when a node is deleted, which wakes us; this is for what we might miss. */
const FULL_RETRY_MS = 30_000;

export function nodeIpamController(
  { client, informers, events }: ControllerDeps,
  options: { readonly clusterCidr: string; readonly nodeMaskSize: number; readonly serviceCidr?: string },
): ControllerSpec {
  const nodes = informers.of(Node);
  const cidrs = new CidrSet(options.clusterCidr, options.nodeMaskSize);
  /** Node → what we gave it and the cache does not show yet. */
  const justGiven = new Map<string, string>();

  return {
    name: 'node-ipam',
    // One at a time: two passes must not pick the same free network.
    workers: 1,
    watch(enqueue) {
      nodes.addHandler({
        onAdd: ({ metadata, spec }) => spec.podCIDR === undefined && enqueue(metadata.name),
        onUpdate: (_old, { metadata, spec }) => spec.podCIDR === undefined && enqueue(metadata.name),
        onDelete: ({ metadata }) => {
          justGiven.delete(metadata.name);
          for (const node of nodes.list()) if (node.spec.podCIDR === undefined) enqueue(node.metadata.name);
        },
      });
    },
    async reconcile(name) {
      const node = nodes.get(name);
      if (node === undefined || (node.spec.podCIDR ?? '') !== '') return done; // IPAM-2
      for (const [given] of justGiven) {
        if ((nodes.get(given)?.spec.podCIDR ?? '') !== '') justGiven.delete(given);
      }
      if (justGiven.has(name)) return done;
      const taken = new Set([
        ...justGiven.values(),
        ...(options.serviceCidr === undefined ? [] : [options.serviceCidr]),
      ]);
      for (const { spec } of nodes.list())
        for (const cidr of spec.podCIDRs ?? [spec.podCIDR ?? '']) taken.add(cidr);
      const podCIDR = cidrs.firstFree(taken);
      if (podCIDR === undefined) {
        const message = `Node ${name} status is now: CIDRNotAvailable`;
        events.event({ kind: 'Node', metadata: { name, uid: name } }, 'Normal', 'CIDRNotAvailable', message);
        return { requeueAfterMs: FULL_RETRY_MS };
      }
      assert(!taken.has(podCIDR), 'IPAM-1');
      const { uid, resourceVersion } = node.metadata;
      const patch = { metadata: { uid, resourceVersion }, spec: { podCIDR, podCIDRs: [podCIDR] } };
      await client.patch(Node, refOf(node), patch, { type: 'merge' });
      justGiven.set(name, podCIDR);
      return done;
    },
  };
}
