import { type Flags, type FlagSpecs, parseFlags, UsageError } from '@kubelab/component-base';

/** What a tool is called with, as its `--help` shows it. */
export interface ToolUsage<S extends FlagSpecs> {
  /** `restore <filename> --data-dir {output dir} [options]` */
  readonly usage: string;
  readonly summary: string;
  readonly flags: S;
  /** Flags of one letter: `{ w: 'write-out' }`. */
  readonly short?: Readonly<Record<string, string>>;
}

export interface ToolArguments<S extends FlagSpecs> {
  readonly words: readonly string[];
  readonly flags: Flags<S>;
}

/** Flags may stand before, between and behind the words. Undefined: `--help` was asked for, and given. */
export function toolArguments<const S extends FlagSpecs>(
  usage: ToolUsage<S>,
  argv: readonly string[],
): ToolArguments<S> | undefined {
  const words: string[] = [];
  const given: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i] ?? '';
    if (arg === '--help' || arg === '-h') {
      process.stdout.write(`${help(usage)}\n`);
      return undefined;
    }
    const flag = longFlag(arg, usage.short ?? {});
    if (flag === undefined) words.push(arg);
    else {
      given.push(flag);
      const value = argv[i + 1];
      // All but booleans take the next word, unless the value is behind an equals sign.
      if (flag.includes('=') || usage.flags[flag.slice(2)]?.type === 'boolean' || value === undefined)
        continue;
      given.push(value);
      i++;
    }
  }
  return { words, flags: parseFlags(usage.flags, { argv: given }) };
}

function longFlag(arg: string, short: Readonly<Record<string, string>>): string | undefined {
  if (arg.startsWith('--')) return arg;
  if (!arg.startsWith('-') || arg === '-') return undefined;
  const [, letter = '', rest = ''] = /^-(.)(.*)$/s.exec(arg) ?? [];
  const name = Object.hasOwn(short, letter) ? short[letter] : undefined;
  if (name === undefined) throw new UsageError(`unknown shorthand flag: '${letter}' in ${arg}`);
  return rest === '' ? `--${name}` : `--${name}=${rest.replace(/^=/, '')}`;
}

function help<S extends FlagSpecs>({ usage, summary, flags, short = {} }: ToolUsage<S>): string {
  const letters = new Map(Object.entries(short).map(([letter, name]) => [name, letter]));
  const lines = Object.entries(flags).map(([name, spec]) => {
    const letter = letters.get(name);
    const shown = `${letter === undefined ? '    ' : `-${letter}, `}--${name}`;
    const isSet = spec.default !== undefined && spec.default !== false && spec.default !== '';
    return `  ${shown.padEnd(36)}${spec.description}${isSet ? ` (default ${String(spec.default)})` : ''}`;
  });
  return [summary, '', `Usage: kubelab etcd-lite ${usage}`, '', 'Flags:', ...lines].join('\n');
}
