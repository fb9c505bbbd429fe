import type { FlagSpecs } from '@kubelab/component-base';
import { ConfigError, type Notice } from './notice.ts';
import { canonical, type Given } from './go-flags.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** `data-dir` → `ETCD_DATA_DIR`. */
export function variableOf(flag: string): string {
  return `ETCD_${flag.toUpperCase().replaceAll('-', '_')}`;
}

/**
 * What `ETCD_…` variables set, as etcd's `SetFlagsFromEnv` has it: an empty one counts as none, one that no
 * flag knows is warned of, and one beside its own flag is refused, because it is not plain which is meant.
 * @throws ConfigError
 */
export function readEnvironment(
  specs: FlagSpecs,
  env: Environment,
  fromArgv: Given,
): { readonly given: Given; readonly notices: readonly Notice[] } {
  const given: Given = new Map();
  const notices: Notice[] = [];
  const used = new Set<string>(['ETCD_CONFIG_FILE']);
  for (const [name, spec] of Object.entries(specs)) {
    const variable = variableOf(name);
    const text = env[variable];
    if (text === undefined || text === '') continue;
    used.add(variable);
    if (fromArgv.has(name)) {
      throw new ConfigError(
        `conflicting environment variable "${variable}" is shadowed by corresponding command-line flag ` +
          '(either unset environment variable or disable flag)',
      );
    }
    try {
      given.set(name, canonical(name, spec, text));
    } catch (error) {
      throw new ConfigError(`invalid value "${text}" for ${variable}: ${(error as Error).message}`);
    }
    notices.push({
      level: 'info',
      msg: 'recognized and used environment variable',
      fields: { 'variable-name': variable, 'variable-value': text },
    });
  }
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith('ETCD_') || used.has(variable)) continue;
    const msg =
      variable === 'ETCD_VERSION'
        ? 'cannot set special environment variable'
        : 'unrecognized environment variable';
    notices.push({ level: 'warn', msg, fields: { 'environment-variable': `${variable}=${text}` } });
  }
  return { given, notices };
}
