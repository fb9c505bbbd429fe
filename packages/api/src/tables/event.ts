import type { Event } from '../generated/types.ts';
import { ageOf } from './age.ts';
import { columns, type TablePrinter, UNKNOWN } from './table.ts';

export const eventPrinter: TablePrinter<Event> = {
  columns: columns(
    'Last Seen',
    'Type',
    'Reason',
    'Object',
    '|Subobject',
    '|Source',
    'Message',
    '|First Seen',
    '|Count:integer',
    '|Name',
  ).map((column) => ({ ...column, format: column.name === 'Name' ? 'name' : '' })),
  cells: (event, nowMs) => {
    const first = ageOf(event.firstTimestamp || event.eventTime, nowMs);
    return [
      lastSeen(event, first, nowMs),
      event.type ?? '',
      event.reason ?? '',
      target(event),
      event.involvedObject?.fieldPath ?? '',
      source(event),
      (event.message ?? '').trim(),
      first,
      // An event of the newer kind that happened once has no count.
      event.series?.count ?? (event.count || 1),
      event.metadata.name,
    ];
  },
};

function lastSeen(event: Event, first: string, nowMs: number): string {
  if (event.series !== undefined) return ageOf(event.series.lastObservedTime, nowMs);
  const last = ageOf(event.lastTimestamp, nowMs);
  return last === UNKNOWN ? first : last;
}

/** `pod/web-0`. */
function target({ involvedObject }: Event): string {
  const kind = (involvedObject?.kind ?? '').toLowerCase();
  return involvedObject?.name ? `${kind}/${involvedObject.name}` : kind;
}

/** `kubelet, node-1`. */
function source(event: Event): string {
  const component = event.source?.component || event.reportingComponent || '';
  const host = event.source?.host || (event.source?.component ? '' : (event.reportingInstance ?? ''));
  return host === '' ? component : `${component}, ${host}`;
}
