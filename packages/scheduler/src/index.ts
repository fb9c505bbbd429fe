export type {
  BindPlugin,
  ClusterEvent,
  ClusterObjects,
  ClusterView,
  FilterPlugin,
  NodeFilter,
  NodeScorer,
  PreBindPlugin,
  Profile,
  Rejection,
  ScorePlugin,
} from './core/framework.ts';
export { NodeInfo } from './core/node-info.ts';
export { type PodInfo, podInfoOf } from './core/pod-info.ts';
export { buildProfile, defaultPlugins, type PluginRegistry, readConfiguration } from './profile.ts';
export { Scheduler, type SchedulerDeps, type SchedulerOptions } from './scheduler.ts';
