import { type LabPlan, planLab } from '../core/plan.ts';

/** Host ports of the compose lab: fixed, as a file cannot look for free ones. */
export const COMPOSE_API_PORT = 6443;
const FIRST_STORE_PORT = 12_379;

/** The lab that `docker-compose.yml` describes: the default one, its members found by name. */
export function composePlan(): LabPlan {
  const ports = [FIRST_STORE_PORT, FIRST_STORE_PORT + 1, FIRST_STORE_PORT + 2].values();
  const allocate = { port: () => ports.next().value ?? 0, apiPort: () => COMPOSE_API_PORT, subnet: () => 0 };
  const request = {
    name: 'lab',
    driver: 'docker',
    timings: 'lab',
    nodes: 3,
    etcd: 3,
    apiservers: 2,
    nodeCpu: '4',
    nodeMemory: '4Gi',
  } as const;
  return planLab(request, allocate);
}
