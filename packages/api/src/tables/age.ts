/**
 * Ages as kubectl shows them: two units at most, coarser with time (`k8s.io/apimachinery/pkg/util/duration`).
 */

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
const YEAR = 365 * DAY;

/** `5s`, `2m3s`, `45m`, `3h12m`, `2d4h`, `40d`, `2y35d`. */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 2 * MINUTE) return `${seconds}s`;
  if (seconds < 10 * MINUTE) return twoUnits(seconds, MINUTE, 'm', 1, 's');
  if (seconds < 3 * HOUR) return `${Math.floor(seconds / MINUTE)}m`;
  if (seconds < 8 * HOUR) return twoUnits(seconds, HOUR, 'h', MINUTE, 'm');
  if (seconds < 2 * DAY) return `${Math.floor(seconds / HOUR)}h`;
  if (seconds < 8 * DAY) return twoUnits(seconds, DAY, 'd', HOUR, 'h');
  if (seconds < 2 * YEAR) return `${Math.floor(seconds / DAY)}d`;
  if (seconds < 8 * YEAR) return twoUnits(seconds, YEAR, 'y', DAY, 'd');
  return `${Math.floor(seconds / YEAR)}y`;
}

function twoUnits(seconds: number, big: number, bigName: string, small: number, smallName: string): string {
  const rest = Math.floor((seconds % big) / small);
  const whole = `${Math.floor(seconds / big)}${bigName}`;
  return rest === 0 ? whole : `${whole}${rest}${smallName}`;
}

/** Time since an RFC 3339 timestamp; `<unknown>` when there is none. */
export function ageOf(timestamp: string | null | undefined, nowMs: number): string {
  const since = timestampMs(timestamp);
  return since === undefined ? '<unknown>' : humanDuration(nowMs - since);
}

export function timestampMs(timestamp: string | null | undefined): number | undefined {
  const ms = timestamp ? Date.parse(timestamp) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
