import type { LabFolder, LabState } from '../lab/folder.ts';
import type { LabPlan, MemberPlan } from '../core/plan.ts';

export type MemberState = 'running' | 'paused' | 'restarting' | 'down';

export interface MemberStatus {
  readonly state: MemberState;
  /** Of the member's main process on the host, where it has one. */
  readonly pid?: number | undefined;
  /** Its container, where it is one. */
  readonly container?: string | undefined;
}

/** One lab on this machine, as its driver sees it. */
export interface DriverLab {
  readonly folder: LabFolder;
  readonly plan: LabPlan;
}

/**
 * A way to run members: containers, namespaces or plain processes. Every method may be called again after it was cut off
 * half-way: it finishes what is missing and leaves what is there.
 */
export interface Driver {
  readonly name: LabPlan['driver'];
  /** Networks, volumes, images: whatever all members need. `tell` shows a line of progress. */
  prepare(lab: DriverLab, tell: (line: string) => void): Promise<void>;
  /** Starts these members, in this order; one that runs is left alone. */
  start(lab: DriverLab, members: readonly MemberPlan[]): Promise<void>;
  /** Ends it in good order. */
  stop(lab: DriverLab, member: MemberPlan): Promise<void>;
  /** Ends it as a crash would; a node takes everything on it along. */
  kill(lab: DriverLab, member: MemberPlan): Promise<void>;
  pause(lab: DriverLab, member: MemberPlan): Promise<void>;
  resume(lab: DriverLab, member: MemberPlan): Promise<void>;
  status(lab: DriverLab): Promise<ReadonlyMap<string, MemberStatus>>;
  /** Ends what a half-dead lab left running with nobody to watch over it; nothing in a lab that is well. */
  clearLeftovers(lab: DriverLab): Promise<void>;
  /** Ends all members and whatever kept them running, the last started first. Their state stays. */
  stopAll(lab: DriverLab): Promise<void>;
  /** The words of a command that shows a member's log. */
  logCommand(lab: DriverLab, member: MemberPlan, follow: boolean): Promise<readonly string[]>;
  /** The words of a command that runs `docker <args>` against a node's engine. */
  dockerCommand(lab: DriverLab, node: MemberPlan, args: readonly string[]): Promise<readonly string[]>;
  /** Whether DNS on this node knows the name. */
  resolves(lab: DriverLab, node: MemberPlan, name: string): Promise<boolean>;
  /** Ends what runs and removes every trace but the lab's folder. */
  destroy(lab: DriverLab, options: { readonly images: boolean }): Promise<void>;
}

export type { LabState };

/** Whether a driver can work here, and if not why and what would help. */
export type Probe = { readonly ok: true } | { readonly ok: false; readonly why: string };
