import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { composeFile } from '../packages/cli/src/compose/file.ts';
import { composeText } from './compose-text.ts';

test('docker-compose.yml is what the lab plan says; node scripts/generate-compose.ts writes it anew', () => {
  const file = readFileSync(resolve(import.meta.dirname, '../docker-compose.yml'), 'utf8');
  assert.equal(file, composeText(composeFile()));
});
