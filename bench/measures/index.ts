import type { Measure } from '../core/measure.ts';
import { heal } from './heal.ts';
import { idle } from './idle.ts';
import { leader } from './leader.ts';
import { podStart } from './pod-start.ts';
import { ready } from './ready.ts';
import { store } from './store.ts';

/** In the order they run. */
export const measures: readonly Measure[] = [ready, idle, podStart, leader, heal, store];
