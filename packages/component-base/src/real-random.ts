import { randomBytes, randomUUID } from 'node:crypto';
import type { Random } from './random.ts';

/** The machine's randomness. */
export const realRandom: Random = {
  float: () => Math.random(),
  int: (below) => Math.floor(Math.random() * below),
  bytes: (length) => randomBytes(length),
  uuid: () => randomUUID(),
};
