import { fromHost, inside, membersOf } from '../core/plan.ts';
import type { OpenLab } from './open.ts';

/** Makes the certificates and kubeconfigs that are missing. The package is loaded only here: it is slow to import. */
export async function ensurePki({ folder, plan }: OpenLab): Promise<void> {
  const { ensureLabPki } = await import('@kubelab/pki');
  const balancer = membersOf(plan, 'lb')[0];
  if (balancer === undefined) throw new Error('the plan has no balancer');
  const members = plan.members.map(({ name, kind, address }) => ({
    name,
    kind,
    addresses: address === undefined ? [] : [address],
  }));
  await ensureLabPki(
    folder.path,
    {
      lab: plan.name,
      members,
      publicServer: `https://${fromHost(plan, balancer, 'rest')}`,
      internalServer: `https://${inside(balancer, 'rest')}`,
      apiServiceIp: firstAddress(plan.serviceCidr),
      clusterDomain: plan.clusterDomain,
    },
    Date.now(),
  );
}

/** `10.96.0.0/16` → `10.96.0.1`: what the API server gives its own Service. */
function firstAddress(cidr: string): string {
  const parts = (cidr.split('/')[0] ?? '').split('.');
  return [...parts.slice(0, 3), Number(parts[3]) + 1].join('.');
}
