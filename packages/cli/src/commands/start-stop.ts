import { openLab, requireMember, setDown } from '../lab/open.ts';
import { bringUp } from '../lab/bring-up.ts';
import { defineCommand } from './command.ts';

export const start = defineCommand({
  usage: 'start [member]',
  summary: 'Starts a member that is down, or, without one, the whole lab as it was.',
  flags: {},
  words: [0, 1],
  async run({ flags, words }) {
    const lab = await openLab(flags.name);
    const [name] = words;
    if (name === undefined) {
      await setDown(lab, () => []);
      return bringUp(lab, { quiet: false });
    }
    const member = requireMember(lab.plan, name);
    await setDown(lab, (down) => down.filter((each) => each !== member.name));
    await lab.driver.start(lab, [member]);
    process.stdout.write(`${member.name} started\n`);
    return 0;
  },
});

export const stop = defineCommand({
  usage: 'stop [member]',
  summary:
    'Stops a member in good order, or, without one, the whole lab; "kubelab start" brings the same cluster back.',
  flags: {},
  words: [0, 1],
  async run({ flags, words }) {
    const lab = await openLab(flags.name);
    const [name] = words;
    if (name === undefined) {
      await lab.driver.stopAll(lab);
      await setDown(lab, () => lab.plan.members.map((member) => member.name));
      process.stdout.write(`lab "${lab.plan.name}" stopped; "kubelab start" brings it back\n`);
      return 0;
    }
    const member = requireMember(lab.plan, name);
    await setDown(lab, (down) => [...down, member.name]);
    await lab.driver.stop(lab, member);
    process.stdout.write(`${member.name} stopped\n`);
    return 0;
  },
});
