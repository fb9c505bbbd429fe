import { tryRun } from '../run.ts';
import type { Probe } from '../driver.ts';

/** Whether an engine answers that this user may use. */
export async function probeDocker(): Promise<Probe> {
  if ((await tryRun(['docker', '--version'])) === undefined)
    return { ok: false, why: 'docker is not installed' };
  const version = await tryRun(['docker', 'version', '--format', '{{.Server.Version}}']);
  if (version === undefined || version.trim() === '') return { ok: false, why: 'no Docker engine answers' };
  return { ok: true };
}
