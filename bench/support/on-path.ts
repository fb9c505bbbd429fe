import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Whether a program is installed. */
export function onPath(program: string): boolean {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.some((folder) => existsSync(join(folder, program)));
}
