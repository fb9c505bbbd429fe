import { parentPort } from 'node:worker_threads';
import { compareSync, hashSync } from 'bcryptjs';

/** The thread of `passwords.ts`: a hash takes tens of milliseconds of pure computing. */
export interface PasswordJob {
  readonly id: number;
  readonly password: string;
  /** What to compare with, else what a new hash shall cost. */
  readonly against: string | number;
}
export interface PasswordAnswer {
  readonly id: number;
  readonly answer: string | boolean;
}

parentPort?.on('message', ({ id, password, against }: PasswordJob) => {
  const answer = typeof against === 'number' ? hashSync(password, against) : compareSync(password, against);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
  parentPort?.postMessage({ id, answer } satisfies PasswordAnswer);
});
