import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

/** Of all threads of a process after `acts`. */
function prioritiesAfter(...acts: string[]): (readonly [name: string, priority: number])[] {
  const program = `
    import { readdirSync, readFileSync } from 'node:fs';
    import { getPriority } from 'node:os';
    import { ${acts.join(', ')} } from ${JSON.stringify(new URL('priorities.ts', import.meta.url).href)};
    ${acts.map((act) => `${act}();`).join(' ')}
    const nameOf = (thread) => readFileSync('/proc/self/task/' + thread + '/comm', 'utf8').trim();
    const threads = readdirSync('/proc/self/task');
    console.log(JSON.stringify(threads.map((thread) => [nameOf(thread), getPriority(Number(thread))])));
  `;
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }),
  );
}

const skip = process.platform !== 'linux';

test("V8's own threads wait for all others, the program's do not", { skip }, () => {
  const threads = prioritiesAfter('quietWorkers');
  assert.ok(threads.some(([name]) => name === 'V8Worker'));
  for (const [name, priority] of threads) assert.equal(priority, name === 'V8Worker' ? 19 : 0, name);
});

test('a process that steps back does so with all its threads', { skip }, () => {
  for (const [name, priority] of prioritiesAfter('stepBack')) assert.equal(priority, 10, name);
});

test("stepping back brings V8's threads no further forward", { skip }, () => {
  for (const [name, priority] of prioritiesAfter('quietWorkers', 'stepBack'))
    assert.equal(priority, name === 'V8Worker' ? 19 : 10, name);
});
