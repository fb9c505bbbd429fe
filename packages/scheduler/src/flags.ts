import type { FlagSpecs } from '@kubelab/component-base';
import { DEFAULT_SCHEDULER_NAME } from './profile.ts';

/** Upstream's names and defaults. */
export const flags = {
  kubeconfig: { type: 'string', required: true, description: 'path to the kubeconfig' },
  master: {
    type: 'list',
    description: 'API servers, https:// or grpcs://, instead of the one in the kubeconfig',
  },
  config: {
    type: 'string',
    description: 'KubeSchedulerConfiguration (YAML or JSON): profiles with their plugins',
  },
  'scheduler-name': {
    type: 'string',
    default: DEFAULT_SCHEDULER_NAME,
    description: 'name of the profile when --config names none',
  },
  'leader-elect': {
    type: 'boolean',
    default: true,
    description: 'only one of several schedulers works at a time',
  },
  'leader-elect-lease-duration': {
    type: 'duration',
    default: 15_000,
    description: 'how long others wait before they take a lease that is not renewed',
  },
  'leader-elect-renew-deadline': {
    type: 'duration',
    default: 10_000,
    description: 'how long the leader tries to renew before it gives up',
  },
  'leader-elect-retry-period': {
    type: 'duration',
    default: 2_000,
    description: 'time between two attempts to take or renew the lease',
  },
  'leader-elect-resource-name': {
    type: 'string',
    default: 'kube-scheduler',
    description: 'name of the lease',
  },
  'leader-elect-resource-namespace': {
    type: 'string',
    default: 'kube-system',
    description: 'namespace of the lease',
  },
  'leader-elect-identity': {
    type: 'string',
    description: 'name of the holder; by default the host name and a random part',
  },
} as const satisfies FlagSpecs;
