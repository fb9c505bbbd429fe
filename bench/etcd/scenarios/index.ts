import type { Scenario } from '../scenario.ts';
import { oneMember } from './one-member.ts';
import { threeMembers } from './three-members.ts';

/** In the order they run. */
export const scenarios: readonly Scenario[] = [oneMember, threeMembers];
