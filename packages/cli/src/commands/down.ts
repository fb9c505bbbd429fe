import { LabFolder } from '../lab/folder.ts';
import { openLab } from '../lab/open.ts';
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
    const folder = new LabFolder(flags.name);
    const state = await folder.read().catch(() => undefined);
    if (state === undefined) {
      // Nothing, or a state nobody can read: whatever stands in the folder goes.
      await folder.remove();
      process.stdout.write(`no lab "${flags.name}"\n`);
      return 0;
    }
    const lab = await openLab(flags.name);
    await stopProxy(lab);
    await lab.driver.stopAll(lab);
    await lab.driver.destroy(lab, { images: flags.images });
    await folder.remove();
    process.stdout.write(`lab "${flags.name}" removed\n`);
    return 0;
  },
});
