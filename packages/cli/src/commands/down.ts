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
      const folder = new LabFolder(flags.name);
      const wasThere = await clearForgotten(folder, flags);
      await folder.remove();
      process.stdout.write(
        wasThere ? `leftovers of lab "${flags.name}" removed\n` : `no lab "${flags.name}"\n`,
      );
      return 0;
    }
    await stopProxy(lab);
    await lab.driver.destroy(lab, { images: flags.images });
    await lab.folder.remove();
    process.stdout.write(`lab "${flags.name}" removed\n`);
    return 0;
  },
});

/** An engine may still hold a lab whose folder is gone; whether it did. */
async function clearForgotten(folder: LabFolder, { images }: { readonly images: boolean }): Promise<boolean> {
  const { probeDocker } = await import('../drivers/docker/probe.ts');
  if (!(await probeDocker()).ok) return false;
  const { removeObjects } = await import('../drivers/docker/objects.ts');
  const count = await removeObjects(folder);
  if (images) await (await import('../drivers/docker/image.ts')).removeImages();
  return count > 0;
}
