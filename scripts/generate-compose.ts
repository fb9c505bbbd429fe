import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { composeFile } from '../packages/cli/src/compose/file.ts';
import { composeText } from './compose-text.ts';

/** Writes `docker-compose.yml` from the lab's plan: `node scripts/generate-compose.ts`. */
await writeFile(resolve(import.meta.dirname, '../docker-compose.yml'), composeText(composeFile()));
