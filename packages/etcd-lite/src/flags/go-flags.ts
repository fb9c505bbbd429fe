import { type FlagSpec, type FlagSpecs, nearest, parseDuration, UsageError } from '@kubelab/component-base';
import { isUrlFlag, readUrls } from './urls.ts';

/** Flags by name, each as one text in the form that `parseFlags` reads. */
export type Given = Map<string, string>;

/** Flags that Go reads as signed integers; all others of type number are unsigned. */
const SIGNED = new Set([
  'quota-backend-bytes',
  'backend-batch-limit',
  'experimental-compaction-batch-limit',
  'compaction-batch-limit',
  'experimental-distributed-tracing-sampling-rate',
]);
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  'initial-cluster-state': ['new', 'existing'],
  'discovery-fallback': ['proxy', 'exit'],
  proxy: ['off', 'readonly', 'on'],
};
const TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

/**
 * The command line as Go's `flag` reads it: `-name value`, `--name=value`, a boolean only with `=`; the last
 * of several counts. The texts of its errors are Go's.
 * @throws UsageError
 */
export function readCommandLine(specs: FlagSpecs, argv: readonly string[]): Given {
  const given: Given = new Map();
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word.length < 2 || !word.startsWith('-')) throw notAFlag(word);
    if (word === '--') {
      if (i + 1 < argv.length) throw notAFlag(argv[i + 1] ?? '');
      break;
    }
    const [, name = '', equals, after = ''] = /^--?([^=]*)(=?)(.*)$/s.exec(word) ?? [];
    if (name === '' || name.startsWith('-')) throw new UsageError(`bad flag syntax: ${word}`);
    const spec = requireKnown(specs, name);
    let text = after;
    if (equals === '') {
      if (spec.type === 'boolean') text = 'true';
      else if (++i < argv.length) text = argv[i] ?? '';
      else throw new UsageError(`flag needs an argument: -${name}`);
    }
    // As in etcd, no URLs at all leave the default standing.
    if (text === '' && isUrlFlag(name)) continue;
    try {
      given.set(name, canonical(name, spec, text));
    } catch (error) {
      const kind = spec.type === 'boolean' ? 'invalid boolean value' : 'invalid value';
      const joint = spec.type === 'boolean' ? `-${name}` : `flag -${name}`;
      throw new UsageError(`${kind} "${text}" for ${joint}: ${(error as Error).message}`);
    }
  }
  return given;
}

/**
 * The text of a flag's value in one form: `T` → `true`, URLs sorted, and so on.
 * @throws Error that says what is wrong with it, in Go's words where Go has some.
 */
export function canonical(name: string, spec: FlagSpec, text: string): string {
  const choices = CHOICES[name];
  if (choices !== undefined && !choices.includes(text)) throw new Error('invalid value');
  switch (spec.type) {
    case 'boolean':
      if (!TRUE.has(text) && !FALSE.has(text)) throw new Error('parse error');
      return String(TRUE.has(text));
    case 'number': {
      if (!(SIGNED.has(name) ? /^[+-]?\d+$/ : /^\d+$/).test(text)) throw new Error('parse error');
      if (!Number.isSafeInteger(Number(text))) throw new Error('value out of range');
      return text;
    }
    case 'duration':
      if (parseDuration(text) === undefined) throw new Error('parse error');
      return text;
    case 'list':
      if (isUrlFlag(name)) return readUrls(name, text).join(',');
      return text
        .split(',')
        .map((part) => part.trim())
        .join(',');
    case 'string':
      return text;
  }
}

function requireKnown(specs: FlagSpecs, name: string): FlagSpec {
  const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
  if (spec !== undefined) return spec;
  const near = nearest(name, Object.keys(specs));
  const hint = near === undefined ? undefined : `did you mean --${near}?`;
  throw new UsageError(`flag provided but not defined: -${name}`, hint);
}

/** etcd finds this after the flags, and ends with 1; a script that gets here is wrong either way. */
function notAFlag(word: string): UsageError {
  return new UsageError(`'${word}' is not a valid flag`);
}
