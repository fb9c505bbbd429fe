import type { Scenario } from '../scenario.ts';
import { maintenance } from './maintenance.ts';
import { oneMember } from './one-member.ts';
import { outage } from './outage.ts';
import { storedData } from './stored-data.ts';
import { threeMembers } from './three-members.ts';
import { tls } from './tls.ts';
import { watchFanOut } from './watches.ts';

/** In the order they run. */
export const scenarios: readonly Scenario[] = [
  oneMember,
  threeMembers,
  tls,
  watchFanOut,
  storedData,
  maintenance,
  outage,
];
