import { setTimeout as delay } from 'node:timers/promises';
import { openLab } from '../lab/open.ts';
import { gatherView } from '../status/gather.ts';
import { COLOUR, PLAIN, renderView } from '../status/render.ts';
import { defineCommand } from './command.ts';

const REFRESH_MS = 500;
const HOME_AND_CLEAR = '\x1b[H\x1b[J';

export const status = defineCommand({
  usage: 'status [--watch] [--json]',
  summary: 'Shows members with role, term and index, leaders, and nodes with the pods on them.',
  flags: {
    watch: { type: 'boolean', default: false, description: 'live, until interrupted (-w)' },
    json: {
      type: 'boolean',
      default: false,
      description: '{name, driver, members: [{name, kind, state, role, term, index, pid, container}]}',
    },
  },
  async run({ flags }) {
    const palette = process.stdout.isTTY && process.env.NO_COLOR === undefined ? COLOUR : PLAIN;
    do {
      const view = await gatherView(await openLab(flags.name));
      const text = flags.json ? `${JSON.stringify(view.status)}\n` : renderView(view, palette);
      process.stdout.write(flags.watch && !flags.json ? `${HOME_AND_CLEAR}${text}` : text);
      if (flags.watch) await delay(REFRESH_MS);
    } while (flags.watch);
    return 0;
  },
});
