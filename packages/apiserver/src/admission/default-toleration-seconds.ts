import type { Pod, Toleration } from '@kubelab/api';
import { type AdmissionPlugin, isCore } from './plugin.ts';

const NOT_READY = 'node.kubernetes.io/not-ready';
const UNREACHABLE = 'node.kubernetes.io/unreachable';

/** How long a pod stays on a node that is not ready or not reachable, unless it says so itself. */
export function defaultTolerationSeconds(seconds: {
  readonly notReady: number;
  readonly unreachable: number;
}): AdmissionPlugin {
  return {
    name: 'DefaultTolerationSeconds',
    admit(attributes) {
      if (!isCore(attributes, 'pods') || attributes.subresource !== '' || attributes.object === undefined)
        return;
      const { spec } = attributes.object as Pod;
      for (const [key, tolerationSeconds] of [
        [NOT_READY, seconds.notReady],
        [UNREACHABLE, seconds.unreachable],
      ] as const) {
        const tolerations = spec.tolerations ?? [];
        if (tolerations.some((toleration) => tolerates(toleration, key))) continue;
        spec.tolerations = [
          ...tolerations,
          { key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds },
        ];
      }
    },
  };
}

function tolerates({ key, effect }: Toleration, taint: string): boolean {
  return (key === taint || !key) && (effect === 'NoExecute' || !effect);
}
