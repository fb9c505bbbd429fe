import { CommandError, run, tryRun } from '../run.ts';
import type { Probe } from '../driver.ts';

const ANSWER_MS = 5000;

/** Whether an engine answers that this user may use. */
export async function probeDocker(): Promise<Probe> {
  if ((await tryRun(['docker', '--version'])) === undefined)
    return { ok: false, why: 'docker is not installed' };
  try {
    await run(['docker', 'version', '--format', '{{.Server.Version}}'], undefined, ANSWER_MS);
    return { ok: true };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const isRefused = error.stderr.includes('permission denied');
    return {
      ok: false,
      why: isRefused ? 'this user may not use the Docker engine' : 'no Docker engine answers',
    };
  }
}
