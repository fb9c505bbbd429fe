import { readdirSync, readFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/** As the kernel names V8's threads that compile, and look for garbage, beside the program. */
const WORKER_NAME = 'V8Worker';
/** The least that Linux knows; whatever else is to be done goes first, and soon after waking. */
const LAST = 19;

/** For a process that nobody waits for any more. */
const LATER = 10;

/** Lets this process do what is left of it when others have nothing to do, mostly: freeing its memory takes 20 ms. */
export function stepBack(): void {
  setPriorities(LATER, () => true);
}

/**
 * Lets V8's own threads wait for everybody else. They compute for milliseconds at a stretch, most of all in a process that
 * has just begun, and where there are fewer cores than processes somebody's request waits for that. Without effect but
 * on Linux; more than it may do, a process does not try.
 */
export function quietWorkers(): void {
  setPriorities(
    LAST,
    (thread) => readFileSync(`/proc/self/task/${thread}/comm`, 'utf8').trim() === WORKER_NAME,
  );
}

/** On Linux each thread has its own. */
function setPriorities(priority: number, isMeant: (thread: string) => boolean): void {
  if (process.platform !== 'linux') return;
  try {
    for (const thread of readdirSync('/proc/self/task')) {
      // Those that come later already stay there: to take that back is the administrator's alone.
      if (isMeant(thread) && getPriority(Number(thread)) < priority) setPriority(Number(thread), priority);
    }
  } catch {
    // No /proc, or no permission: it is only a kindness.
  }
}
