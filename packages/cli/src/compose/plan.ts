import { type LabPlan, planLab } from '../core/plan.ts';

/** Host ports of the compose lab: fixed, as a file cannot look for free ones; that of the API can be set. */
const API_PORT = 6443;
export const API_PORT_VARIABLE = `\${KUBELAB_PORT:-${API_PORT}}`;
const FIRST_STORE_PORT = 12_379;

/** The lab that `docker-compose.yml` describes: the default one, its members found by name. */
export function composePlan(apiPort = API_PORT): LabPlan {
  const ports = [FIRST_STORE_PORT, FIRST_STORE_PORT + 1, FIRST_STORE_PORT + 2].values();
  const allocate = { port: () => ports.next().value ?? 0, apiPort: () => apiPort, subnet: () => 0 };
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
