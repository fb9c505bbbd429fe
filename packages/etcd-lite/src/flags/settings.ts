import { type FlagSpecs, helpText, must, parseFlags } from '@kubelab/component-base';
import { etcdFlags } from '../flags.ts';
import { acceptedFlags, ALIASES, REFUSED } from './accepted.ts';
import { checkFlags } from './check.ts';
import { readConfigFile } from './config-file.ts';
import { type Environment, readEnvironment } from './environment.ts';
import { type Given, readCommandLine } from './go-flags.ts';
import { ConfigError, type Notice } from './notice.ts';

/** Where settings come from; given so that tests can. */
export interface Sources {
  readonly argv: readonly string[];
  readonly env: Environment;
  readonly readFile: (path: string) => string;
}

export type Settings =
  | { readonly kind: 'help' | 'version' }
  | {
      readonly kind: 'run';
      /** `--name=value`, one word a flag, nothing left to decide. */
      readonly argv: readonly string[];
      readonly notices: readonly Notice[];
    };

const OWN: FlagSpecs = {
  'config-file': {
    type: 'string',
    description: 'YAML file with etcd’s keys; all other flags and variables are then ignored',
  },
  version: { type: 'boolean', description: 'print the version and end' },
};
const REFUSED_SPECS: FlagSpecs = Object.fromEntries(
  Object.entries(REFUSED).map(([name, { type, why }]) => [name, { type, description: why }]),
);
const ETCD: FlagSpecs = etcdFlags;
const ALIAS_SPECS: FlagSpecs = Object.fromEntries(
  Object.entries(ALIASES).map(([alias, name]) => [alias, must(ETCD[name], name)]),
);
const ALL: FlagSpecs = { ...ETCD, ...OWN, ...acceptedFlags, ...ALIAS_SPECS, ...REFUSED_SPECS };

/**
 * What etcd would run with: the command line and `ETCD_…`, or else the configuration file; then what follows
 * from that (`--initial-cluster` from the name), and what does not make sense together.
 * @throws UsageError for words that are no flags, ConfigError for what they say.
 */
export async function readSettings({ argv, env, readFile }: Sources): Promise<Settings> {
  if (argv.some((word) => /^--?(h|help)$/.test(word))) return { kind: 'help' };
  const fromArgv = readCommandLine(ALL, argv);
  if (fromArgv.get('version') === 'true') return { kind: 'version' };

  const path = fromArgv.get('config-file') ?? env['ETCD_CONFIG_FILE'] ?? '';
  const { given, notices } = path === '' ? fromWords(fromArgv, env) : await fromFile(path, readFile);
  const all = [...notices];
  for (const [alias, name] of Object.entries(ALIASES)) {
    const text = given.get(alias);
    if (text !== undefined && given.delete(alias)) given.set(name, text);
  }
  for (const [name, text] of given) {
    const refused = REFUSED[name];
    if (refused !== undefined && text !== refused.harmless)
      throw new ConfigError(`--${name}=${text} is not possible here: ${refused.why}`);
    const accepted = acceptedFlags[name];
    if (accepted !== undefined)
      all.push({
        level: 'warn',
        msg: 'flag has no effect',
        fields: { flag: name, why: accepted.description },
      });
    if (accepted !== undefined || refused !== undefined) given.delete(name);
  }
  const words = wordsOf(given);
  const flags = parseFlags(etcdFlags, { argv: words });
  checkFlags(flags);
  if (flags.name === 'default') {
    const msg = "it isn't recommended to use default name, please set a value for --name";
    all.push({ level: 'warn', msg, fields: { name: flags.name } });
  } else if (!given.has('initial-cluster')) {
    const urls = flags['initial-advertise-peer-urls'];
    words.push(`--initial-cluster=${urls.map((url) => `${flags.name}=${url}`).join(',')}`);
  }
  return { kind: 'run', argv: words, notices: all };
}

function fromWords(fromArgv: Given, env: Environment): { given: Given; notices: readonly Notice[] } {
  const { given: fromEnv, notices } = readEnvironment(ALL, env, fromArgv);
  const given = new Map([...fromEnv, ...fromArgv]);
  // Clients would be told of a port at which nobody listens.
  if (given.has('listen-client-urls') && !given.has('advertise-client-urls'))
    given.set('advertise-client-urls', '');
  return { given, notices };
}

async function fromFile(
  path: string,
  readFile: Sources['readFile'],
): Promise<{ given: Given; notices: readonly Notice[] }> {
  let text: string;
  try {
    text = readFile(path);
  } catch (error) {
    throw new ConfigError(`--config-file: ${(error as Error).message}`);
  }
  const { given, notices } = await readConfigFile(ALL, path, text);
  const msg =
    'loaded server configuration, other configuration command line flags and environment variables will be ignored if provided';
  return { given, notices: [{ level: 'info', msg, fields: { path } }, ...notices] };
}

function wordsOf(given: Given): string[] {
  return [...given].filter(([name]) => !Object.hasOwn(OWN, name)).map(([name, text]) => `--${name}=${text}`);
}

/** The text of `--help`. */
export function settingsHelp(summary: string): string {
  const usage = 'kubelab etcd-lite [flags]\n       kubelab etcd-lite <tool> [flags]';
  const accepted = Object.keys(acceptedFlags).toSorted();
  return [
    helpText(usage, summary, { ...etcdFlags, ...OWN }),
    'Each flag may also be a variable: --data-dir is ETCD_DATA_DIR.',
    '',
    "Flags of etcd's that are accepted and have no effect:",
    ...fold(accepted.map((name) => `--${name}`)),
    '',
  ].join('\n');
}

/** Words in lines of at most 100 columns. */
function fold(words: readonly string[]): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length + 1 > 100) lines.push(`  ${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
