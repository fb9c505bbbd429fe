import { type FlagSpecs, type Flags, helpText, parseFlags, UsageError } from '@kubelab/component-base';

/** A command for people. */
export interface Command {
  /** The exit code. */
  run(argv: readonly string[]): Promise<number>;
}

export interface CommandSpec<S extends FlagSpecs> {
  /** `kill <member>` */
  readonly usage: string;
  readonly summary: string;
  readonly flags: S;
  /** Least and most words beside the flags. */
  readonly words?: readonly [number, number];
  /** Whether everything after `--` belongs to another program. */
  readonly passesOn?: boolean;
  run(input: CommandInput<S>): Promise<number>;
}

export interface CommandInput<S extends FlagSpecs> {
  readonly flags: Flags<S & typeof COMMON>;
  readonly words: readonly string[];
  /** What came after `--`. */
  readonly rest: readonly string[];
}

export const COMMON = {
  name: { type: 'string', default: 'lab', description: 'name of the lab' },
} as const satisfies FlagSpecs;

/** One-letter forms, where people expect them. */
const SHORT: Readonly<Record<string, string>> = { '-f': '--follow', '-w': '--watch', '-y': '--yes' };

export function defineCommand<const S extends FlagSpecs>(spec: CommandSpec<S>): Command {
  const specs = { ...COMMON, ...spec.flags };
  return {
    async run(argv) {
      const separator = argv.indexOf('--');
      const own = separator < 0 ? argv : argv.slice(0, separator);
      if (own.includes('--help') || own.includes('-h')) {
        process.stdout.write(helpText(`kubelab ${spec.usage}`, spec.summary, specs));
        return 0;
      }
      const { flagWords, words } = splitWords(specs, own);
      // A misspelt flag explains a surplus word better than its count.
      const flags = parseFlags(specs, { argv: flagWords });
      const [least, most] = spec.words ?? [0, 0];
      if (words.length < least || words.length > most)
        throw new UsageError(wrongCount(words, most), `kubelab ${spec.usage}`);
      return spec.run({ flags, words, rest: separator < 0 ? [] : argv.slice(separator + 1) });
    },
  };
}

function wrongCount(words: readonly string[], most: number): string {
  return words.length > most ? `unexpected argument "${words[most]}"` : 'an argument is missing';
}

/** Flags with their values on one side, other words on the other. */
function splitWords(specs: FlagSpecs, argv: readonly string[]): { flagWords: string[]; words: string[] } {
  const flagWords: string[] = [];
  const words: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = SHORT[argv[i] ?? ''] ?? argv[i] ?? '';
    if (!word.startsWith('-')) {
      words.push(word);
      continue;
    }
    flagWords.push(word);
    const spec = specs[word.replace(/^--/, '')];
    if (spec !== undefined && spec.type !== 'boolean' && i + 1 < argv.length) flagWords.push(argv[++i] ?? '');
  }
  return { flagWords, words };
}
