/**
 * Interaction scripts: a text file of commands, each followed by `----` and the trace it must produce,
 * closed by an empty line. Lines that begin with # are comments. `UPDATE=1` writes the traces anew; review
 * the difference.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { ScriptCluster } from './script-cluster.ts';

interface Step {
  readonly comments: readonly string[];
  readonly command: string;
  readonly expected: readonly string[];
}

export function runScript(path: string, isUpdate: boolean): { expected: string; actual: string } {
  const expected = readFileSync(path, 'utf8');
  const cluster = new ScriptCluster();
  const actual = parse(expected)
    .map((step) => {
      const output = step.command === '' ? undefined : cluster.run(step.command);
      const trace =
        output === undefined ? [] : [step.command, '----', ...(output.length === 0 ? ['ok'] : output)];
      return [...step.comments, ...trace].join('\n');
    })
    .join('\n\n')
    .concat('\n');
  if (isUpdate && actual !== expected) writeFileSync(path, actual);
  return { expected, actual };
}

/** Blocks are separated by empty lines. A block of comments alone is kept as it is. */
function parse(text: string): Step[] {
  return text
    .trim()
    .split(/\n\n+/)
    .map((block) => {
      const lines = block.split('\n');
      const comments = lines.filter((line) => line.startsWith('#'));
      const [command = '', , ...expected] = lines.filter((line) => !line.startsWith('#'));
      return { comments, command, expected };
    });
}
