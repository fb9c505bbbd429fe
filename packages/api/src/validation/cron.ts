/** Cron schedules as `robfig/cron`'s standard parser reads them: five fields or a word. */

interface Field {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const FIELDS: readonly Field[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: MONTHS },
  { min: 0, max: 6, names: DAYS },
];
const WORDS = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];
const EVERY = /^@every (\d+(\.\d+)?(h|m|s|ms|us|ns))+$/;

/** Why the text is no schedule; undefined when it is one. */
export function cronError(schedule: string): string | undefined {
  if (schedule.startsWith('@')) {
    if (WORDS.includes(schedule) || EVERY.test(schedule)) return undefined;
    return `unrecognized descriptor: ${schedule}`;
  }
  const fields = schedule.trim().split(/\s+/);
  if (fields.length !== FIELDS.length)
    return `expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`;
  for (const [index, field] of FIELDS.entries()) {
    for (const part of (fields[index] ?? '').split(',')) {
      const why = partError(part, field);
      if (why !== undefined) return why;
    }
  }
  return undefined;
}

/** `*`, `?`, `5`, `1-5`, `1-30/2`. */
function partError(part: string, field: Field): string | undefined {
  const [range = '', step, ...moreSteps] = part.split('/');
  if (moreSteps.length > 0) return `too many slashes: ${part}`;
  if (step !== undefined) {
    if (!/^\d+$/.test(step))
      return `failed to parse int from ${step}: strconv.Atoi: parsing ${JSON.stringify(step)}: invalid syntax`;
    if (Number(step) === 0) return `step of range should be a positive number: ${part}`;
  }
  if (range === '*' || range === '?') return undefined;
  const [from = '', to = from, ...moreEnds] = range.split('-');
  if (moreEnds.length > 0) return `too many hyphens: ${part}`;
  const start = numberOf(from, field);
  const end = numberOf(to, field);
  for (const [text, value] of [[from, start] as const, [to, end] as const]) {
    if (value === undefined) {
      return `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
    }
  }
  if (start === undefined || end === undefined) return `bad range: ${part}`;
  if (start < field.min) return `beginning of range (${start}) below minimum (${field.min}): ${part}`;
  if (end > field.max) return `end of range (${end}) above maximum (${field.max}): ${part}`;
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${part}`;
  return undefined;
}

function numberOf(text: string, { min, names }: Field): number | undefined {
  const index = names?.indexOf(text.toLowerCase()) ?? -1;
  if (index !== -1) return index + min;
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
