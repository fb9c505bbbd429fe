/** How much is measured: the whole takes some minutes, and smaller ones are for trying out. */
export interface Scale {
  readonly rounds: number;
  /** Of each measured load, after its warm-up. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Keys of 1 KB that are loaded for restart, memory and churn. */
  readonly dataKeys: number;
  /** How often churn overwrites each of them. */
  readonly churnPasses: number;
  /** Written before compaction and defragmentation, half of it garbage. */
  readonly defragMegabytes: number;
  /** Leaders lost in each way. */
  readonly kills: number;
}

export const FULL: Scale = {
  rounds: 3,
  seconds: 2,
  warmUpSeconds: 0.7,
  dataKeys: 100_000,
  churnPasses: 3,
  defragMegabytes: 256,
  kills: 9,
};

export const QUICK: Scale = {
  rounds: 1,
  seconds: 1.5,
  warmUpSeconds: 0.5,
  dataKeys: 30_000,
  churnPasses: 3,
  defragMegabytes: 64,
  kills: 2,
};
