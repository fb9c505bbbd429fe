import { realClock } from '@kubelab/component-base';
import type { Trial } from './trial.ts';

/** How many of the members die together; of ten kills. */
const TOGETHER = [1, 1, 1, 1, 1, 1, 1, 2, 2, 3];
const LOAD_MS = 350;
const DOWN_MS = 300;

/** Kills members as a power cut would, `count` times, and starts them again. Returns how often each died. */
export async function killOften(
  trial: Trial,
  count: number,
  onKill: (done: number) => void = () => undefined,
): Promise<Map<string, number>> {
  const { random, cluster, names } = trial;
  const deaths = new Map(names.map((name) => [name, 0]));
  let done = 0;
  while (done < count) {
    await realClock.sleep(random.int(LOAD_MS));
    const together = Math.min(TOGETHER[random.int(TOGETHER.length)] ?? 1, count - done);
    const victims = names.toSorted(() => random.float() - 0.5).slice(0, together);
    await Promise.all(victims.map((name) => cluster.end(name, 'SIGKILL')));
    for (const name of victims) deaths.set(name, (deaths.get(name) ?? 0) + 1);
    done += together;
    await realClock.sleep(random.int(DOWN_MS));
    for (const name of victims) cluster.startMember(name);
    // Mostly they are up when the next blow falls, sometimes still reading their logs.
    if (random.float() < 0.8) for (const name of victims) await trial.answers(name);
    onKill(done);
  }
  return deaths;
}
