import { LABEL } from '../../core/names.ts';
import type { RuntimeEvent } from '../types.ts';
import { call, type Engine } from './engine.ts';

const TYPES: Readonly<Record<string, RuntimeEvent['type']>> = {
  start: 'started',
  die: 'died',
  oom: 'oom',
  destroy: 'removed',
};

/** An engine event, as far as it matters here. */
interface EngineEvent {
  readonly Action?: string;
  readonly Actor?: { readonly ID?: string; readonly Attributes?: Readonly<Record<string, string>> };
}

const LINE_BYTES_MAX = 1024 * 1024;

/** Follows the engine's events of our containers until the connection ends. */
export async function watchEvents(
  engine: Engine,
  ours: string,
  onEvent: (event: RuntimeEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  const stream = await call(
    engine.getEvents({ filters: { type: ['container'], label: [ours], event: Object.keys(TYPES) } }),
  );
  const stop = () => (stream as unknown as { destroy(): void }).destroy(); // the typings name the older interface
  signal.addEventListener('abort', stop, { once: true });
  let rest = '';
  try {
    for await (const chunk of stream) {
      const lines = (rest + chunk.toString()).split('\n');
      rest = (lines.pop() ?? '').slice(0, LINE_BYTES_MAX);
      for (const line of lines) {
        const event = parseEvent(line);
        if (event !== undefined) onEvent(event);
      }
    }
  } catch {
    // The engine went away: the same as the end of the stream, and the caller connects again.
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

export function parseEvent(line: string): RuntimeEvent | undefined {
  if (line.trim() === '') return undefined;
  const { Action, Actor } = JSON.parse(line) as EngineEvent;
  const type = TYPES[Action ?? ''];
  const podUid = Actor?.Attributes?.[LABEL.podUid];
  return type === undefined || podUid === undefined || Actor?.ID === undefined
    ? undefined
    : { type, podUid, id: Actor.ID };
}
