import { errors, Node, Pod } from '@kubelab/api';
import type { Lookup } from '../registry/lookup.ts';

/** Where a node's kubelet listens. The name is what its certificate must show. */
export interface KubeletAddress {
  readonly host: string;
  readonly port: number;
  readonly nodeName: string;
}

const PORT_DEFAULT = 10250;
const ADDRESS_TYPES = ['InternalIP', 'ExternalIP', 'Hostname'];

export function kubeletOf(nodeName: string, lookup: Lookup): KubeletAddress {
  const node = lookup.get(Node, nodeName);
  if (node === undefined) throw errors.notFound(Node, nodeName);
  const addresses = node.status?.addresses ?? [];
  const host = ADDRESS_TYPES.map((type) => addresses.find((one) => one.type === type)?.address).find(
    (address) => address,
  );
  if (host === undefined) throw errors.internalError(`no preferred addresses found; known addresses: []`);
  return { host, port: node.status?.daemonEndpoints?.kubeletEndpoint?.Port || PORT_DEFAULT, nodeName };
}

/** The pod a request is about. Throws 404. */
export async function podOf(
  lookup: Lookup,
  key: { readonly namespace: string; readonly name: string },
): Promise<Pod> {
  const pod = await lookup.fresh(Pod, `${key.namespace}/${key.name}`);
  if (pod === undefined) throw errors.notFound(Pod, key.name);
  return pod;
}

/** The container that is meant. Throws 400 when there is none of that name, or when it is not clear which. */
export function containerOf({ metadata, spec }: Pod, asked: string | null): string {
  const all = [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])].map(
    ({ name }) => name,
  );
  if (asked) {
    if (!all.includes(asked))
      throw errors.badRequest(`container ${asked} is not valid for pod ${metadata.name}`);
    return asked;
  }
  const names = spec.containers.map(({ name }) => name);
  const [only, ...others] = names;
  if (only !== undefined && others.length === 0) return only;
  const init = (spec.initContainers ?? []).map(({ name }) => name);
  const orInit = init.length === 0 ? '' : ` or one of the init containers: [${init.join(' ')}]`;
  const list = `choose one of: [${names.join(' ')}]${orInit}`;
  throw errors.badRequest(`a container name must be specified for pod ${metadata.name}, ${list}`);
}
