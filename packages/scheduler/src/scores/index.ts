import type { ScorePlugin } from '../core/framework.ts';
import { balancedAllocation } from './balanced-allocation.ts';
import { imageLocality } from './image-locality.ts';
import { interPodAffinityScore } from './inter-pod-affinity.ts';
import { leastAllocated, mostAllocated } from './least-allocated.ts';
import { nodeAffinityScore } from './node-affinity.ts';
import { podTopologySpreadScore } from './pod-topology-spread.ts';
import { taintTolerationScore } from './taint-toleration.ts';

/** With upstream's default weights. */
export const scores: readonly { readonly plugin: ScorePlugin; readonly weight: number }[] = [
  { plugin: taintTolerationScore, weight: 3 },
  { plugin: nodeAffinityScore, weight: 2 },
  { plugin: leastAllocated, weight: 1 },
  { plugin: podTopologySpreadScore, weight: 2 },
  { plugin: interPodAffinityScore, weight: 2 },
  { plugin: balancedAllocation, weight: 1 },
  { plugin: imageLocality, weight: 1 },
];

/** `pluginConfig` of NodeResourcesFit chooses among these. */
export const scoringStrategies: Readonly<Record<string, ScorePlugin>> = {
  LeastAllocated: leastAllocated,
  MostAllocated: mostAllocated,
};
