import { errorMessage, nearest, UsageError } from '@kubelab/component-base';

/** Something to do with a data directory or a cluster, beside being a member. */
export interface Tool {
  /** One line for `--help`. */
  readonly summary: string;
  /** Resolves when done; a `UsageError` ends the process with exit code 2, anything else thrown with 1. */
  run(argv: readonly string[]): Promise<void>;
}

export type Tools = Readonly<Record<string, Tool>>;

/**
 * `kubelab etcd-lite <tool> …`, by the tool's name. Each is imported only when it is run:
 * `run: async (argv) => (await import('./restore.ts')).restore(argv)`.
 */
export const TOOLS: Tools = {
  'replace-member': {
    summary: 'replace a dead member of a cluster, in one step',
    run: async (argv) => (await import('./replace-member.ts')).replaceMember(argv),
  },
  restore: {
    summary: "make a data directory out of a snapshot, a real etcd's or one of ours",
    run: async (argv) => (await import('./restore.ts')).restore(argv),
  },
  'snapshot-status': {
    summary: 'show what a snapshot holds',
    run: async (argv) => (await import('./snapshot-status.ts')).snapshotStatusTool(argv),
  },
};

/**
 * Runs the tool that the first word names. False: the first word is a flag or there is none, so a member is
 * wanted.
 */
export async function runTool(argv: readonly string[], tools: Tools = TOOLS): Promise<boolean> {
  const [name, ...rest] = argv;
  if (name === undefined || name.startsWith('-')) return false;
  try {
    const tool = Object.hasOwn(tools, name) ? tools[name] : undefined;
    if (tool === undefined) throw unknownTool(name, tools);
    await tool.run(rest);
  } catch (error) {
    const hint = error instanceof UsageError && error.hint !== undefined ? ` (${error.hint})` : '';
    process.stderr.write(`Error: ${errorMessage(error)}${hint}\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
  return true;
}

/** The lines of `--help` that name the tools; empty when there are none. */
export function toolsHelp(tools: Tools = TOOLS): string {
  const names = Object.keys(tools).toSorted();
  if (names.length === 0) return '';
  const width = Math.max(...names.map((name) => name.length)) + 3;
  const lines = names.map((name) => `  ${name.padEnd(width)}${tools[name]?.summary}`);
  return ['', '', 'Tools (kubelab etcd-lite <tool> --help says more):', ...lines].join('\n');
}

function unknownTool(name: string, tools: Tools): UsageError {
  const near = nearest(name, Object.keys(tools));
  return new UsageError(
    `'${name}' is neither a flag nor a tool`,
    near === undefined ? "see 'kubelab etcd-lite --help'" : `did you mean "${near}"?`,
  );
}
