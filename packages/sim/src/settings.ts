import type { Random } from '@kubelab/component-base';
import type { NodeSettings } from './world/sim-node.ts';

export const FAULTS = [
  'crash',
  'crash-at-io',
  'power-loss',
  'partition',
  'pause',
  'lonely-leader',
  'slow-disk',
  'failed-sync',
  'full-disk',
  'bit-flip',
  'stop',
  'move-leader',
  'hidden',
  'wipe',
  'grow',
  'shrink',
  'replace',
  'promote',
  'move',
] as const;
export type Fault = (typeof FAULTS)[number];

/** In a plain world, members stay, and requests are simple: what goes wrong there goes wrong more often. */
const PLAIN_FAULTS: ReadonlySet<Fault> = new Set(FAULTS.slice(0, FAULTS.indexOf('stop')));

export interface Settings extends NodeSettings {
  readonly clientCount: number;
  /** Of requests of any shape. */
  readonly richShare: number;
  readonly watchCount: number;
  readonly lossRate: number;
  readonly duplicationRate: number;
  readonly delayRate: number;
  readonly stallRate: number;
  /** Of requests of clients, and of answers to them. */
  readonly clientLossRate: number;
  /** Those that this run may meet. */
  readonly faults: readonly Fault[];
  /** Mean time between two. */
  readonly faultIntervalMs: number;
  /** Chance that a machine dies as an operation of its disk begins. */
  readonly crashAtIoRate: number;
}

/** Each seed is another world: faults come in other mixtures, and limits are hit that a default never hits. */
export function settingsOf(random: Random): Settings {
  const pick = <T>(...choices: [T, ...T[]]): T => choices[random.int(choices.length)] ?? choices[0];
  const heartbeatMs = pick(20, 40, 60);
  const nodeCount = pick(1, 3, 3, 3, 5);
  const isPlain = random.float() < 0.4;
  const faults = FAULTS.filter((fault) => random.float() < 0.5 && (!isPlain || PLAIN_FAULTS.has(fault)));
  return {
    nodeCount,
    heartbeatMs,
    electionMs: heartbeatMs * pick(3, 5, 10),
    snapshotCount: pick(3, 5, 20, 10_000),
    walSegmentBytes: pick(4096, 8192, 65_536),
    clientCount: pick(2, 4, 8),
    richShare: isPlain ? 0 : pick(0, 0.3, 0.6),
    watchCount: 3,
    lossRate: pick(0, 0, 0.02, 0.1),
    duplicationRate: pick(0, 0.05),
    delayRate: pick(0, 0, 0.05),
    stallRate: pick(0, 0.1),
    clientLossRate: pick(0, 0, 0.03),
    strictReconfig: pick(true, false),
    autoPromote: pick(true, false),
    quotaBytes: isPlain ? 1 << 30 : pick(1 << 30, 1 << 30, 5_000, 20_000),
    fragmentBytesMax: pick(100, 1000, 1 << 20),
    faults,
    faultIntervalMs: pick(100, 300, 1000),
    crashAtIoRate: faults.includes('crash-at-io') ? pick(0.001, 0.005) : 0,
  };
}
