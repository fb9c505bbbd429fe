/** Limits and habits of a member that a flag may change. */
export interface Tuning {
  /** Of one request on its way through the log: `--max-request-bytes`. */
  readonly requestBytesMax: number;
  /** In one transaction, at any depth of it: `--max-txn-ops`. */
  readonly txnOpsMax: number;
  /** Kept in memory behind a checkpoint, so that a member a little behind needs no snapshot. */
  readonly catchUpEntries: number;
  /** Requests that take longer to apply are logged and counted as slow. */
  readonly slowApplyMs: number;
  /** Of one piece of a watch response that a client lets come in pieces. */
  readonly fragmentBytesMax: number;
  /** Ask whether an election could be won before holding one. */
  readonly preVote: boolean;
}

/** etcd's defaults, but that a checkpoint costs less here, so that fewer entries are kept behind it. */
export const DEFAULT_TUNING: Tuning = {
  requestBytesMax: 1.5 * 1024 * 1024,
  txnOpsMax: 128,
  catchUpEntries: 1000,
  slowApplyMs: 100,
  fragmentBytesMax: 2 * 1024 * 1024,
  preVote: true,
};
