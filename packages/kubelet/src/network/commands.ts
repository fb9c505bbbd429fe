import { spawn } from 'node:child_process';

const OUTPUT_BYTES_MAX = 4 * 1024 * 1024;

/** Runs a program and gives its output; throws with its last words when it fails. */
export function runCommand(program: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => {
      if (output.length < OUTPUT_BYTES_MAX) output += chunk.toString('utf8');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors = (errors + chunk.toString('utf8')).slice(-2000);
    });
    child.once('error', reject);
    child.stdin.on('error', () => undefined); // it ended without reading: its exit code tells
    child.once('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${program} ${args.join(' ')}: ${errors.trim() || `exit code ${code}`}`));
    });
    child.stdin.end(input);
  });
}
