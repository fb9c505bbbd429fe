import { runHere } from '../drivers/run.ts';
import { openLab, requireMember } from '../lab/open.ts';
import { defineCommand } from './command.ts';

export const logs = defineCommand({
  usage: 'logs <member> [-f]',
  summary: "Shows a member's log: one JSON object a line.",
  flags: { follow: { type: 'boolean', default: false, description: 'go on as it grows (-f)' } },
  words: [1, 1],
  async run({ flags, words }) {
    const lab = await openLab(flags.name);
    const member = requireMember(lab.plan, words[0] ?? '');
    return runHere(await lab.driver.logCommand(lab, member, flags.follow));
  },
});
