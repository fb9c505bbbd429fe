import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { suite, test } from 'node:test';
import { UsageError } from '@kubelab/component-base';
import { MAIN } from '../testing/processes.ts';
import { runTool, toolsHelp, type Tools } from './index.ts';

suite('tools', () => {
  test('the first word names the tool, the rest is its own', async () => {
    const seen: (readonly string[])[] = [];
    const run = (argv: readonly string[]): Promise<void> => {
      seen.push(argv);
      return done;
    };
    const tools: Tools = { mend: { summary: 'mends', run } };
    assert.equal(await runTool(['mend', '--fast', 'x'], tools), true);
    assert.deepEqual(seen, [['--fast', 'x']]);
  });

  test('flags, or nothing at all, mean a member', async () => {
    assert.equal(await runTool([], {}), false);
    assert.equal(await runTool(['--name', 'mend'], { mend: { summary: '', run: () => done } }), false);
  });

  test('a tool that fails sets the exit code: 2 for wrong words, 1 for the rest', async () => {
    const failing = (error: Error): Tools => ({ mend: { summary: '', run: () => Promise.reject(error) } });
    const before = process.exitCode;
    await runTool(['mend'], failing(new UsageError('no such flag')));
    assert.equal(process.exitCode, 2);
    await runTool(['mend'], failing(new Error('no such file')));
    assert.equal(process.exitCode, 1);
    process.exitCode = before;
  });

  test('help names each tool with its summary', () => {
    const help = toolsHelp({
      mend: { summary: 'mends', run: () => done },
      a: { summary: 'b', run: () => done },
    });
    assert.match(help, /\n {2}a {6}b\n {2}mend {3}mends$/);
  });

  test('an unknown word ends the process with exit code 2 and a hint', () => {
    const { status, stderr } = spawnSync(process.execPath, [MAIN, 'serve'], { encoding: 'utf8' });
    assert.equal(status, 2);
    assert.match(stderr, /'serve' is neither a flag nor a tool \(see 'kubelab etcd-lite --help'\)/);
  });
});

const done = Promise.resolve();
