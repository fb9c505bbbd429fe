import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { isForeign } from './main.ts';

suite('loopback proxy', () => {
  const cases: readonly (readonly [string, Record<string, string>, boolean])[] = [
    ['kubectl on the port', { host: '127.0.0.1:8001' }, false],
    ['localhost on the port', { host: 'localhost:8001' }, false],
    ['another port', { host: '127.0.0.1:9000' }, true],
    ['a name that resolves to loopback', { host: 'evil.example:8001' }, true],
    ['a web page', { host: '127.0.0.1:8001', origin: 'http://127.0.0.1:8001' }, true],
    ['no host at all', {}, true],
  ];
  for (const [title, headers, isRefused] of cases) {
    test(`PROXY-1 ${title} is ${isRefused ? 'refused' : 'served'}`, () => {
      assert.equal(isForeign({ headers }, 8001), isRefused);
    });
  }
});
