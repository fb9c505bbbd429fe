import { UsageError } from '@kubelab/component-base';
import { runHere } from '../drivers/run.ts';
import { openLab, requireMember } from '../lab/open.ts';
import { defineCommand } from './command.ts';

export const docker = defineCommand({
  usage: 'docker <node> -- <docker arguments>',
  summary: "Runs docker against a node's own engine: kubelab docker node-1 -- ps",
  flags: {},
  words: [1, 1],
  async run({ flags, words, rest }) {
    const lab = await openLab(flags.name);
    const node = requireMember(lab.plan, words[0] ?? '');
    if (node.kind !== 'node') throw new UsageError(`${node.name} is not a node`, 'only nodes have an engine');
    return runHere(await lab.driver.dockerCommand(lab, node, rest.length === 0 ? ['ps'] : rest));
  },
});
