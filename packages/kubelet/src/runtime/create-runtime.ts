import type { Clock } from '@kubelab/component-base';
import type { Runtime } from './types.ts';

export interface RuntimeChoice {
  /** `hollow`, or `unix://<socket>` of a Docker engine. */
  readonly endpoint: string;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly podCidr: () => string | undefined;
}

/** Loads only the runtime that was chosen. */
export async function createRuntime({ endpoint, nodeName, clock, podCidr }: RuntimeChoice): Promise<Runtime> {
  if (endpoint === 'hollow') {
    const { HollowRuntime } = await import('./hollow/hollow-runtime.ts');
    return new HollowRuntime({ clock, podCidr });
  }
  if (!endpoint.startsWith('unix://')) {
    throw new Error(`--container-runtime-endpoint: "${endpoint}" is neither "hollow" nor unix://<socket>`);
  }
  const { dockerRuntime } = await import('./docker/docker-runtime.ts');
  return dockerRuntime({ endpoint, nodeName, clock });
}
