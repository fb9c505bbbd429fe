import { LabFolder } from '../lab/folder.ts';
import { openForRemoval } from '../lab/open.ts';
import { defineCommand } from './command.ts';
import { stopProxy } from '../proxy/control.ts';

export const down = defineCommand({
  usage: 'down [--images]',
  summary:
    'Ends a lab and removes everything of it: containers, networks, volumes, namespaces, processes, firewall rules, files.',
  flags: {
    images: {
      type: 'boolean',
      default: false,
      description: "also remove kubelab's images from the host's engine",
    },
  },
  async run({ flags }) {
    const lab = await openForRemoval(flags.name);
    if (lab === undefined) {
      await new LabFolder(flags.name).remove();
      process.stdout.write(`no lab "${flags.name}"\n`);
      return 0;
    }
    await stopProxy(lab);
    await lab.driver.stopAll(lab);
    await lab.driver.destroy(lab, { images: flags.images });
    await lab.folder.remove();
    process.stdout.write(`lab "${flags.name}" removed\n`);
    return 0;
  },
});
