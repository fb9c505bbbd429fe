/** The variables by which pods found Services before DNS: `WEB_SERVICE_HOST` and Docker's link names. Pure. */
import type { Service } from '@kubelab/api';
import type { DeepReadonly } from '@kubelab/client';

type ServiceObject = DeepReadonly<Service>;

/** `kubernetes` of the default namespace always; the pod's own namespace when it wants service links. */
export function serviceEnv(
  services: readonly ServiceObject[],
  namespace: string,
  enableServiceLinks: boolean,
): Map<string, string> {
  const env = new Map<string, string>();
  for (const service of services) {
    const { clusterIP } = service.spec;
    if (clusterIP === undefined || clusterIP === '' || clusterIP === 'None') continue;
    const isMaster = service.metadata.namespace === 'default' && service.metadata.name === 'kubernetes';
    if (!isMaster && !(enableServiceLinks && service.metadata.namespace === namespace)) continue;
    addService(env, service, clusterIP);
  }
  return env;
}

function addService(env: Map<string, string>, service: ServiceObject, ip: string): void {
  const prefix = variableName(service.metadata.name);
  const ports = service.spec.ports ?? [];
  const first = ports[0];
  env.set(`${prefix}_SERVICE_HOST`, ip);
  if (first === undefined) return;
  env.set(`${prefix}_SERVICE_PORT`, String(first.port));
  for (const port of ports) {
    if (port.name !== undefined && port.name !== '') {
      env.set(`${prefix}_SERVICE_PORT_${variableName(port.name)}`, String(port.port));
    }
  }
  env.set(`${prefix}_PORT`, `${protocolOf(first)}://${ip}:${first.port}`);
  for (const port of ports) {
    const protocol = protocolOf(port);
    const link = `${prefix}_PORT_${port.port}_${protocol.toUpperCase()}`;
    env.set(link, `${protocol}://${ip}:${port.port}`);
    env.set(`${link}_PROTO`, protocol);
    env.set(`${link}_PORT`, String(port.port));
    env.set(`${link}_ADDR`, ip);
  }
}

function protocolOf(port: { readonly protocol?: string | undefined }): string {
  return (port.protocol ?? 'TCP').toLowerCase();
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}
