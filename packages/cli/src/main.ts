import { errorMessage, nearest, UsageError } from '@kubelab/component-base';
import { COMMANDS, usage } from './commands/index.ts';
import { COMPONENTS, runComponentHere } from './self.ts';

/** `kubelab <command> …`: a command for people, or one of the lab's processes. Exit codes: 0 done, 1 failed, 2 usage. */
export async function main(argv: readonly string[]): Promise<number> {
  const [name = '', ...rest] = argv;
  if (name === '' || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(usage());
    return name === '' ? 2 : 0;
  }
  if (COMPONENTS.includes(name)) {
    await runComponentHere(name, rest);
    return 0;
  }
  try {
    const load = COMMANDS[name];
    if (load === undefined) {
      const near = nearest(name, [...Object.keys(COMMANDS), ...COMPONENTS]);
      throw new UsageError(
        `unknown command "${name}"`,
        near === undefined ? 'see "kubelab help"' : `did you mean "${near}"?`,
      );
    }
    const command = await load.load();
    return await command.run(rest);
  } catch (error) {
    const hint = error instanceof UsageError && error.hint !== undefined ? `\nHint: ${error.hint}` : '';
    process.stderr.write(`Error: ${errorMessage(error)}${hint}\n`);
    if (process.env.KUBELAB_DEBUG !== undefined && error instanceof Error)
      process.stderr.write(`${error.stack}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

if (import.meta.main) {
  const code = await main(process.argv.slice(2));
  // A component goes on after its start: only a command ends the process.
  if (!COMPONENTS.includes(process.argv[2] ?? '')) process.exit(code);
}
