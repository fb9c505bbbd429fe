import { readFile } from 'node:fs/promises';
import { parseConfig } from '@kubelab/client';
import type { FilterPlugin, Profile, ScorePlugin } from './core/framework.ts';
import { filters } from './filters/index.ts';
import { scores, scoringStrategies } from './scores/index.ts';

/**
 * The plugins that can be named in a configuration. Add yours here, or hand another registry to
 * `buildProfile`.
 */
export interface PluginRegistry {
  readonly filters: readonly FilterPlugin[];
  readonly scores: readonly { readonly plugin: ScorePlugin; readonly weight: number }[];
}
export const defaultPlugins: PluginRegistry = { filters, scores };

export const DEFAULT_SCHEDULER_NAME = 'default-scheduler';
const PREEMPTION = 'DefaultPreemption';

/** The part of `KubeSchedulerConfiguration` (kubescheduler.config.k8s.io/v1) that is read. */
export interface SchedulerConfiguration {
  readonly profiles?: readonly ProfileConfig[];
  readonly podInitialBackoffSeconds?: number;
  readonly podMaxBackoffSeconds?: number;
}
export interface ProfileConfig {
  readonly schedulerName?: string;
  readonly plugins?: Partial<Record<ExtensionPoint, PluginSet>>;
  readonly pluginConfig?: readonly { readonly name: string; readonly args?: PluginArgs }[];
}
type ExtensionPoint = 'multiPoint' | 'filter' | 'postFilter' | 'score';
interface PluginSet {
  readonly enabled?: readonly { readonly name: string; readonly weight?: number }[];
  /** `*` turns all defaults off. */
  readonly disabled?: readonly { readonly name: string }[];
}
interface PluginArgs {
  readonly scoringStrategy?: { readonly type?: string };
}

export async function readConfiguration(file: string): Promise<SchedulerConfiguration> {
  const config = (await parseConfig(await readFile(file, 'utf8'))) as SchedulerConfiguration & {
    kind?: string;
  };
  if (config.kind !== 'KubeSchedulerConfiguration')
    throw new Error(`${file}: kind must be KubeSchedulerConfiguration`);
  return config;
}

/**
 * The rules of one scheduler name: the defaults, less what is disabled, plus what is enabled, in the
 * configuration's order.
 */
export function buildProfile(config: ProfileConfig = {}, registry: PluginRegistry = defaultPlugins): Profile {
  const known = new Set(
    [...registry.filters, ...registry.scores.map(({ plugin }) => plugin)].map(({ name }) => name),
  );
  for (const set of Object.values(config.plugins ?? {})) {
    for (const { name } of [...(set.enabled ?? []), ...(set.disabled ?? [])]) {
      if (name !== '*' && name !== PREEMPTION && !known.has(name))
        throw new Error(`unknown scheduler plugin "${name}"`);
    }
  }
  const isOff = (point: ExtensionPoint, name: string) =>
    [config.plugins?.multiPoint, config.plugins?.[point]].some((set) =>
      set?.disabled?.some((each) => each.name === name || each.name === '*'),
    );
  const enabledAt = (point: ExtensionPoint) =>
    new Map(
      [...(config.plugins?.multiPoint?.enabled ?? []), ...(config.plugins?.[point]?.enabled ?? [])].map(
        (each) => [each.name, each],
      ),
    );

  const wantedFilters = enabledAt('filter');
  const wantedScores = enabledAt('score');
  const strategy = strategyOf(config);
  return {
    schedulerName: config.schedulerName ?? DEFAULT_SCHEDULER_NAME,
    filters: registry.filters.filter(({ name }) => wantedFilters.has(name) || !isOff('filter', name)),
    scores: registry.scores
      .filter(({ plugin: { name } }) => wantedScores.has(name) || !isOff('score', name))
      .map(({ plugin, weight }) => ({
        plugin: plugin.name === strategy?.name ? strategy : plugin,
        weight: wantedScores.get(plugin.name)?.weight ?? weight,
      })),
    canPreempt: enabledAt('postFilter').has(PREEMPTION) || !isOff('postFilter', PREEMPTION),
  };
}

function strategyOf(config: ProfileConfig): ScorePlugin | undefined {
  const args = config.pluginConfig?.find(({ name }) => name === 'NodeResourcesFit')?.args;
  const type = args?.scoringStrategy?.type;
  if (type === undefined) return undefined;
  const strategy = scoringStrategies[type];
  if (strategy === undefined) throw new Error(`unknown scoringStrategy "${type}" of NodeResourcesFit`);
  return strategy;
}
