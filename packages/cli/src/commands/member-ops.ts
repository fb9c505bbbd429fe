import type { Driver, DriverLab } from '../drivers/driver.ts';
import type { MemberPlan } from '../core/plan.ts';
import { openLab, requireMember, setDown } from '../lab/open.ts';
import { type Command, defineCommand } from './command.ts';

export const kill = memberCommand(
  'kill',
  'Ends a member at once; it stays down until "kubelab start".',
  'killed',
  async (driver, lab, member) => {
    await driver.kill(lab, member);
  },
);
export const pause = memberCommand(
  'pause',
  'Freezes a member: it holds its connections and answers nothing.',
  'paused',
  (driver, lab, member) => driver.pause(lab, member),
);
export const resume = memberCommand(
  'resume',
  'Lets a frozen member go on.',
  'resumed',
  (driver, lab, member) => driver.resume(lab, member),
);

type Operation = (driver: Driver, lab: DriverLab, member: MemberPlan) => Promise<void>;

function memberCommand(
  verb: 'kill' | 'pause' | 'resume',
  summary: string,
  done: string,
  act: Operation,
): Command {
  return defineCommand({
    usage: `${verb} <member>`,
    summary,
    flags: {},
    words: [1, 1],
    async run({ flags, words }) {
      const lab = await openLab(flags.name);
      const member = requireMember(lab.plan, words[0] ?? '');
      // Noted first: a supervisor that starts meanwhile must not bring it back.
      if (verb === 'kill') await setDown(lab, (down) => [...down, member.name]);
      await act(lab.driver, lab, member);
      process.stdout.write(`${member.name} ${done}\n`);
      return 0;
    },
  });
}
