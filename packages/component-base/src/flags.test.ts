import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { helpText, nearest, parseDuration, parseFlags, UsageError } from './flags.ts';

const specs = {
  name: { type: 'string', default: 'lab', description: 'name' },
  port: { type: 'number', required: true, description: 'port' },
  'leader-elect': { type: 'boolean', default: true, description: 'elect' },
  'retry-period': { type: 'duration', default: 2000, description: 'retry' },
  servers: { type: 'list', description: 'servers' },
} as const;

suite('flags', () => {
  test('both spellings of a value, bare booleans, repeated lists', () => {
    const flags = parseFlags(specs, {
      argv: [
        '--port',
        '6443',
        '--name=x',
        '--leader-elect=false',
        '--servers=a,b',
        '--servers',
        'c',
        '--retry-period=1m30s',
      ],
    });
    assert.deepEqual(flags, {
      name: 'x',
      port: 6443,
      'leader-elect': false,
      'retry-period': 90_000,
      servers: ['a', 'b', 'c'],
    });
    assert.equal(parseFlags(specs, { argv: ['--port=1', '--leader-elect'] })['leader-elect'], true);
  });

  test('a flag beats the environment, that the file, that the default', () => {
    const input = { envPrefix: 'KUBELAB_X', file: { name: 'file', port: 1 } };
    assert.equal(
      parseFlags(specs, { ...input, argv: ['--name=flag'], env: { KUBELAB_X_NAME: 'env' } }).name,
      'flag',
    );
    assert.equal(parseFlags(specs, { ...input, argv: [], env: { KUBELAB_X_NAME: 'env' } }).name, 'env');
    assert.equal(parseFlags(specs, { ...input, argv: [], env: {} }).name, 'file');
    assert.equal(parseFlags(specs, { argv: ['--port=1'] }).name, 'lab');
  });

  const wrong: readonly (readonly [string, readonly string[], RegExp, RegExp | undefined])[] = [
    ['an unknown flag with the nearest name', ['--prt=1'], /unknown flag: --prt/, /--port/],
    ['a word that is no flag', ['x'], /unexpected argument "x"/, undefined],
    ['a missing value', ['--port'], /flag needs an argument: --port/, undefined],
    ['what is no number', ['--port=abc'], /invalid argument "abc" for "--port" flag/, undefined],
    ['what is no boolean', ['--port=1', '--leader-elect=maybe'], /must be true or false/, undefined],
    ['what is no duration', ['--port=1', '--retry-period=10'], /must be a duration/, undefined],
    ['a required flag that is not there', [], /required flag --port not set/, undefined],
    ['a name of every object', ['--constructor=1'], /unknown flag: --constructor/, undefined],
  ];
  for (const [title, argv, message, hint] of wrong) {
    test(`refuses ${title}`, () => {
      assert.throws(
        () => parseFlags(specs, { argv }),
        (error) =>
          error instanceof UsageError &&
          message.test(error.message) &&
          (hint === undefined || hint.test(error.hint ?? '')),
      );
    });
  }

  test('refuses a key of the file that is no flag', () => {
    assert.throws(() => parseFlags(specs, { argv: ['--port=1'], file: { prot: 1 } }), /unknown flag: --prot/);
  });

  const durations: readonly (readonly [string, number | undefined])[] = [
    ['0', 0],
    ['250ms', 250],
    ['1h2m3.5s', 3_723_500],
    ['-1s', -1000],
    ['5', undefined],
    ['1s ', undefined],
    ['', undefined],
  ];
  for (const [text, ms] of durations)
    test(`duration "${text}" is ${ms}`, () => assert.equal(parseDuration(text), ms));

  test('help lists every flag with its default', () => {
    const text = helpText('kubelab x [flags]', 'Does x.', specs);
    assert.match(text, /^Usage: kubelab x \[flags\]\n\nDoes x\.\n/);
    assert.match(text, /--retry-period duration +retry \(default 2s\)/);
    assert.match(text, /--port number +port \(required\)/);
  });

  test('nearest gives up beyond two edits', () => {
    assert.equal(nearest('statsu', ['status', 'start']), 'status');
    assert.equal(nearest('xyz', ['status', 'start']), undefined);
  });
});
