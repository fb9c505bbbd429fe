/**
 * Flags as upstream writes them: `--name=value`, `--name value`, `--bool`, `--bool=false`.
 * Precedence: flag > environment (`KUBELAB_<COMPONENT>_<NAME>`) > `--config` file (JSON, same keys) > default.
 * An unknown name is a usage error.
 */
export type FlagType = 'string' | 'number' | 'boolean' | 'duration' | 'list';

export interface FlagSpec {
  readonly type: FlagType;
  readonly description: string;
  readonly default?: FlagValue | undefined;
  /** Without it the process does not start. */
  readonly required?: boolean;
}

/** `duration` gives milliseconds, `list` splits at commas (and collects repeats). */
export type FlagValue = string | number | boolean | readonly string[];
export type FlagSpecs = Readonly<Record<string, FlagSpec>>;

type ValueOf<S extends FlagSpec> = S['type'] extends 'string'
  ? string
  : S['type'] extends 'number' | 'duration'
    ? number
    : S['type'] extends 'boolean'
      ? boolean
      : readonly string[];

/** A flag with a default or `required` is always there; any other may be undefined. */
export type Flags<S extends FlagSpecs> = {
  readonly [K in keyof S]: S[K] extends { required: true } | { default: FlagValue }
    ? ValueOf<S[K]>
    : ValueOf<S[K]> | undefined;
};

/** Wrong words on the command line: exit code 2 and a hint. */
export class UsageError extends Error {
  readonly hint: string | undefined;
  constructor(message: string, hint?: string) {
    super(message);
    this.name = 'UsageError';
    this.hint = hint;
  }
}

export interface ParseInput {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Prefix of environment names, e.g. `KUBELAB_APISERVER`. */
  readonly envPrefix?: string;
  readonly file?: Readonly<Record<string, unknown>>;
}

export function parseFlags<const S extends FlagSpecs>(specs: S, input: ParseInput): Flags<S> {
  const given = readArgv(specs, input.argv);
  const values: Record<string, FlagValue | undefined> = {};
  for (const key of Object.keys(input.file ?? {})) requireKnown(specs, key);
  for (const [name, spec] of Object.entries(specs)) {
    const fromEnv = input.envPrefix === undefined ? undefined : input.env?.[envName(input.envPrefix, name)];
    const fromFile = input.file?.[name];
    const texts = given.get(name);
    if (texts !== undefined) values[name] = convert(name, spec, texts);
    else if (fromEnv !== undefined) values[name] = convert(name, spec, [fromEnv]);
    else if (fromFile !== undefined) values[name] = convert(name, spec, [fileText(fromFile)]);
    else if (spec.default !== undefined) values[name] = spec.default;
    else if (spec.required === true) throw new UsageError(`required flag --${name} not set`);
  }
  // Every name of `specs` was converted by its own type just above.
  return values as Flags<S>;
}

function readArgv(specs: FlagSpecs, argv: readonly string[]): Map<string, string[]> {
  const given = new Map<string, string[]>();
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i] ?? '';
    if (!arg.startsWith('--')) throw new UsageError(`unexpected argument "${arg}"`);
    const equals = arg.indexOf('=');
    const name = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
    const spec = requireKnown(specs, name);
    let text = equals < 0 ? undefined : arg.slice(equals + 1);
    if (text === undefined) {
      if (spec.type === 'boolean') text = 'true';
      else {
        text = argv[++i];
        if (text === undefined) throw new UsageError(`flag needs an argument: --${name}`);
      }
    }
    given.set(name, [...(given.get(name) ?? []), text]);
  }
  return given;
}

function requireKnown(specs: FlagSpecs, name: string): FlagSpec {
  const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
  if (spec !== undefined) return spec;
  const near = nearest(name, Object.keys(specs));
  throw new UsageError(`unknown flag: --${name}`, near === undefined ? undefined : `did you mean --${near}?`);
}

function convert(name: string, spec: FlagSpec, texts: readonly string[]): FlagValue {
  const text = texts.at(-1) ?? '';
  const invalid = (why: string) => new UsageError(`invalid argument "${text}" for "--${name}" flag: ${why}`);
  switch (spec.type) {
    case 'string':
      return text;
    case 'list':
      return texts.flatMap((part) => part.split(',')).filter((part) => part !== '');
    case 'boolean':
      if (text !== 'true' && text !== 'false') throw invalid('must be true or false');
      return text === 'true';
    case 'number': {
      const value = Number(text);
      if (text === '' || !Number.isFinite(value)) throw invalid('must be a number');
      return value;
    }
    case 'duration': {
      const ms = parseDuration(text);
      if (ms === undefined) throw invalid('must be a duration such as 10s or 1m30s');
      return ms;
    }
  }
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Go's duration syntax (`1m30s`, `250ms`, `0`) in milliseconds; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (!/^-?(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
    total += Number(amount) * (UNIT_MS[unit ?? ''] ?? 0);
  }
  return text.startsWith('-') ? -total : total;
}

/** The closest of the known names within two edits, for "did you mean". */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = 3;
  for (const candidate of known) {
    const distance = editDistance(name, candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The `--help` text: usage line, then one flag a line, sorted. */
export function helpText(usage: string, summary: string, specs: FlagSpecs): string {
  const rows = Object.entries(specs)
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(
      ([name, spec]) =>
        [`  --${name} ${spec.type === 'boolean' ? '' : spec.type}`.trimEnd(), describe(spec)] as const,
    );
  const width = Math.max(0, ...rows.map(([left]) => left.length)) + 3;
  return [
    `Usage: ${usage}`,
    '',
    summary,
    '',
    'Flags:',
    ...rows.map(([left, right]) => left.padEnd(width) + right),
    '',
  ].join('\n');
}

function describe(spec: FlagSpec): string {
  if (spec.required === true) return `${spec.description} (required)`;
  const { default: value } = spec;
  if (value === undefined || value === '' || (Array.isArray(value) && value.length === 0))
    return spec.description;
  return `${spec.description} (default ${spec.type === 'duration' ? `${Number(value) / 1000}s` : String(value)})`;
}

function envName(prefix: string, flag: string): string {
  return `${prefix}_${flag.replaceAll('-', '_').toUpperCase()}`;
}

function fileText(value: unknown): string {
  return Array.isArray(value) ? value.join(',') : String(value);
}
