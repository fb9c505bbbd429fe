import type { PkiPlan } from '@kubelab/pki';
import { fromHost, inside, type LabPlan, membersOf } from '../core/plan.ts';

/** What the certificates have to know of a lab. */
export function labPkiPlan(plan: LabPlan): PkiPlan {
  const balancer = membersOf(plan, 'lb')[0];
  if (balancer === undefined) throw new Error('the plan has no balancer');
  return {
    lab: plan.name,
    members: plan.members.map(({ name, kind, address }) => ({
      name,
      kind,
      addresses: address === undefined ? [] : [address],
    })),
    publicServer: `https://${fromHost(plan, balancer, 'rest')}`,
    internalServer: `https://${inside(balancer, 'rest')}`,
    apiServiceIp: firstAddress(plan.serviceCidr),
    clusterDomain: plan.clusterDomain,
  };
}

/** `10.96.0.0/16` → `10.96.0.1`: what the API server gives its own Service. */
function firstAddress(cidr: string): string {
  const parts = (cidr.split('/')[0] ?? '').split('.');
  return [...parts.slice(0, 3), Number(parts[3]) + 1].join('.');
}
