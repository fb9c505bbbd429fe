import { memberCommand } from '../core/member-command.ts';
import type { MemberPlan } from '../core/plan.ts';
import { kubelabCommand } from '../self.ts';
import type { ProcessSpec } from '../supervisor/keeper.ts';
import type { DriverLab } from './driver.ts';
import { nodeProcess } from './netns/node-spec.ts';

/** How a member runs as a process of this machine (`netns` and `hollow`). */
export function processSpec(lab: DriverLab, member: MemberPlan): ProcessSpec {
  const { folder, plan } = lab;
  if (member.kind === 'node' && plan.driver === 'netns') return nodeProcess(lab, member);
  const data = member.kind === 'images' ? folder.images : folder.data(member.name);
  const words = memberCommand(plan, member, { config: folder.config(member.name), data });
  return { ...kubelabCommand(words), logFile: folder.log(member.name) };
}
