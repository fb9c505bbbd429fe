import { UsageError, nearest } from '@kubelab/component-base';
import { findMember, type LabPlan, type MemberPlan } from '../core/plan.ts';
import { driverOf } from '../drivers/index.ts';
import type { Driver, DriverLab } from '../drivers/driver.ts';
import { LabFolder, type LabState, labNames } from './folder.ts';

/** A lab with its driver: what every command but the first `up` works on. */
export interface OpenLab extends DriverLab {
  readonly state: LabState;
  readonly driver: Driver;
}

/** Throws a usage error that names the labs there are. */
export async function openLab(name: string): Promise<OpenLab> {
  const folder = new LabFolder(name);
  return withDriver(folder, await folder.read());
}

/** As `openLab`, also for a lab whose state is damaged: undefined when nothing is known of it. */
export async function openForRemoval(name: string): Promise<OpenLab | undefined> {
  const folder = new LabFolder(name);
  const state = (await folder.read().catch(() => undefined)) ?? (await folder.readCopy());
  return state === undefined ? undefined : withDriver(folder, state);
}

async function withDriver(folder: LabFolder, state: LabState | undefined): Promise<OpenLab> {
  if (state === undefined) {
    const others = await labNames();
    const hint = others.length === 0 ? '"kubelab up" makes one' : `there is: ${others.join(', ')}`;
    throw new UsageError(`no lab "${folder.name}"`, hint);
  }
  return { folder, state, plan: state.plan, driver: await driverOf(state.plan.driver) };
}

/** The member of that name; a usage error with the nearest name otherwise. */
export function requireMember(plan: LabPlan, name: string): MemberPlan {
  const member = findMember(plan, name);
  if (member !== undefined) return member;
  const names = plan.members.map((each) => each.name);
  const near = nearest(name, names);
  throw new UsageError(
    `no member "${name}" in lab "${plan.name}"`,
    near === undefined ? `members: ${names.join(', ')}` : `did you mean ${near}?`,
  );
}

/** Notes which members are down by request. */
export async function setDown(
  lab: OpenLab,
  change: (down: readonly string[]) => readonly string[],
): Promise<void> {
  await lab.folder.write({ ...lab.state, down: [...new Set(change(lab.state.down))] });
}
