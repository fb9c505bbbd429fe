import type { FlagSpec, FlagSpecs } from '@kubelab/component-base';
import { ConfigError, type Notice } from './notice.ts';
import { canonical, type Given } from './go-flags.ts';

/** Sections of the file, and what their keys are as flags. */
const SECTIONS: Readonly<
  Record<string, { readonly prefix: string; readonly names: Record<string, string> }>
> = {
  'client-transport-security': {
    prefix: '',
    names: {
      'allowed-hostname': 'client-cert-allowed-hostname',
      'allowed-hostnames': 'client-cert-allowed-hostname',
    },
  },
  'peer-transport-security': {
    prefix: 'peer-',
    names: {
      'allowed-cn': 'peer-cert-allowed-cn',
      'allowed-cns': 'peer-cert-allowed-cn',
      'allowed-hostname': 'peer-cert-allowed-hostname',
      'allowed-hostnames': 'peer-cert-allowed-hostname',
    },
  },
};

/**
 * etcd's configuration file: YAML, the flags' names as keys, TLS in two sections, durations as a number of
 * nanoseconds (Go's JSON form) or, here, with a unit as on the command line.
 * @throws ConfigError
 */
export async function readConfigFile(
  specs: FlagSpecs,
  path: string,
  text: string,
): Promise<{ readonly given: Given; readonly notices: readonly Notice[] }> {
  // Loaded only where there is a file: it is half a megabyte.
  const { parse } = await import('yaml');
  const content = readYaml(parse, path, text);
  const given: Given = new Map();
  const notices: Notice[] = [];
  for (const [key, value] of flatten(path, content)) {
    if (value === null || value === '') continue;
    const spec = Object.hasOwn(specs, key) ? specs[key] : undefined;
    if (spec === undefined) {
      notices.push({ level: 'warn', msg: 'unknown key in the configuration file', fields: { path, key } });
      continue;
    }
    try {
      given.set(key, canonical(key, spec, textOf(spec, value)));
    } catch (error) {
      throw new ConfigError(`${path}: ${key}: ${(error as Error).message}`);
    }
  }
  return { given, notices };
}

function readYaml(parse: (text: string) => unknown, path: string, text: string): object {
  let content: unknown;
  try {
    content = parse(text) ?? {};
  } catch (error) {
    throw new ConfigError(`${path}: ${(error as Error).message}`);
  }
  if (content === null || typeof content !== 'object' || Array.isArray(content))
    throw new ConfigError(`${path}: expected keys and values`);
  return content;
}

function* flatten(path: string, content: object): Generator<[string, unknown]> {
  for (const [key, value] of Object.entries(content)) {
    const section = Object.hasOwn(SECTIONS, key) ? SECTIONS[key] : undefined;
    if (section === undefined) {
      yield [key, value];
      continue;
    }
    if (value === null) continue;
    if (typeof value !== 'object' || Array.isArray(value)) throw new ConfigError(`${path}: invalid ${key}`);
    for (const [name, inner] of Object.entries(value))
      yield [section.names[name] ?? `${section.prefix}${name}`, inner];
  }
}

/** @throws Error for a value of another kind than the flag's. */
function textOf(spec: FlagSpec, value: unknown): string {
  if (Array.isArray(value)) {
    if (spec.type !== 'list') throw new Error('must not be a list');
    return value.map((each) => String(each)).join(',');
  }
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
    throw new Error('must be a plain value');
  if (spec.type === 'duration' && typeof value === 'number') return `${value}ns`;
  if (spec.type === 'number' && typeof value !== 'number') throw new Error('must be a number');
  if (spec.type === 'boolean' && typeof value !== 'boolean') throw new Error('must be true or false');
  return String(value);
}
