/**
 * The interaction scripts in `testdata/`. `UPDATE=1 node --test packages/raft-consensus/src/script.test.ts`
 * records them anew.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runScript } from './testing/script.ts';

const directory = fileURLToPath(new URL('../testdata/', import.meta.url));

for (const name of readdirSync(directory).filter((file) => file.endsWith('.txt'))) {
  test(`the trace of ${name} is as recorded`, () => {
    const { expected, actual } = runScript(`${directory}${name}`, process.env.UPDATE === '1');
    if (process.env.UPDATE !== '1') assert.equal(actual, expected);
  });
}
