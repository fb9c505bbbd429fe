import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { ChurnMap } from '@kubelab/component-base';

/** Where `node:http2` keeps a session's streams (`lib/internal/http2/core.js`, `kState`). */
interface StreamTables {
  streams: unknown;
  pendingStreams: unknown;
}

/** As the Set that Node has for streams that have no number yet. */
class ChurnSet extends ChurnMap<ServerHttp2Stream, ServerHttp2Stream> {
  add(stream: ServerHttp2Stream): this {
    return this.set(stream, stream);
  }
}

/**
 * Gives a new session tables for streams that come and go: those of Node keep streams that are over in memory, see
 * `ChurnMap`. False: this Node has its tables elsewhere, and keeps them.
 */
export function easeStreamTables(session: ServerHttp2Session): boolean {
  const tables = tablesOf(session);
  if (tables === undefined) return false;
  tables.streams = new ChurnMap<number, ServerHttp2Stream>();
  tables.pendingStreams = new ChurnSet();
  return true;
}

function tablesOf(session: ServerHttp2Session): StreamTables | undefined {
  for (const symbol of Object.getOwnPropertySymbols(session)) {
    const state: unknown = Reflect.get(session, symbol);
    if (symbol.description === 'state' && hasEmptyTables(state)) return state;
  }
  return undefined;
}

function hasEmptyTables(state: unknown): state is StreamTables {
  if (typeof state !== 'object' || state === null) return false;
  const { streams, pendingStreams } = state as Partial<StreamTables>;
  return isEmptyTable(streams, 'set') && isEmptyTable(pendingStreams, 'add');
}

/** Node's own kinds of Map and Set are no `Map` and no `Set`. */
function isEmptyTable(table: unknown, adds: 'set' | 'add'): boolean {
  return typeof table === 'object' && table !== null && adds in table && Reflect.get(table, 'size') === 0;
}
