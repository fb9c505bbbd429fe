import { spawn } from 'node:child_process';

/** More words than these tell people nothing. */
const WORDS_SHOWN = 4;

export class CommandError extends Error {
  readonly code: number | null;
  readonly stderr: string;
  readonly isTimeout: boolean;
  constructor(words: readonly string[], code: number | null, stderr: string, isTimeout = false) {
    const shown = words.slice(0, WORDS_SHOWN).join(' ') + (words.length > WORDS_SHOWN ? ' …' : '');
    super(`${shown}: ${stderr.trim() || `exit ${code}`}`);
    this.name = 'CommandError';
    this.code = code;
    this.stderr = stderr;
    this.isTimeout = isTimeout;
  }
}

/** Runs a program to its end; stdout as text. Throws `CommandError` when it fails or takes longer than it may. */
export function run(words: readonly string[], input?: string, timeoutMs?: number): Promise<string> {
  const [command = '', ...args] = words;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let isTimeout = false;
    const expire = () => {
      isTimeout = true;
      child.kill('SIGKILL');
    };
    const timer = timeoutMs === undefined ? undefined : setTimeout(expire, timeoutMs);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', (error) => reject(new CommandError(words, null, error.message)));
    child.once('close', (code) => {
      clearTimeout(timer);
      if (code === 0) resolve(stdout);
      else reject(new CommandError(words, code, stderr, isTimeout));
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** As `run`, but a failure is an answer: undefined. */
export async function tryRun(words: readonly string[], input?: string): Promise<string | undefined> {
  try {
    return await run(words, input);
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

/** Runs a program on this terminal; its exit code. */
export function runHere(words: readonly string[]): Promise<number> {
  const [command = '', ...args] = words;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
