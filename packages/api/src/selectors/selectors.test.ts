import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStatus } from '../errors.ts';
import type { Pod } from '../generated/types.ts';
import { checkFieldsSupported, parseFieldSelector } from './fields.ts';
import { fieldNamesOf, fieldsOf } from './fields-of.ts';
import { formatLabelSelector, labelSelectorMatcher, parseLabelSelector } from './labels.ts';

test('label selectors match as written', () => {
  const web = { app: 'web', tier: 'front', empty: '', level: '5' };
  const cases: [text: string, want: boolean][] = [
    ['', true],
    ['app=web', true],
    ['app==web', true],
    ['app = web , tier=front', true],
    ['app!=web', false],
    ['other!=web', true],
    ['app in (db, web)', true],
    ['app in (db)', false],
    ['app notin (db,web)', false],
    ['other notin (db)', true],
    ['app', true],
    ['!app', false],
    ['!other', true],
    ['empty=', true],
    ['empty in (,a)', true],
    ['level>4', true],
    ['level<4', false],
    ['app>4', false],
    ['constructor', false],
    ['example.com/app!=x', true],
  ];
  for (const [text, want] of cases) assert.equal(parseLabelSelector(text).matches(web), want, text);
});

test('malformed label selectors are a bad request', () => {
  for (const text of [
    'app in',
    'app in (',
    'app in (a',
    '=x',
    'a=b=c',
    'a,',
    '-bad=x',
    'a=-b',
    'a/b/c',
    '!',
    'a b',
  ]) {
    assert.throws(
      () => parseLabelSelector(text),
      (err) => isStatus(err, 'BadRequest'),
      text,
    );
  }
});

test('the object form selects nothing when absent and everything when empty', () => {
  assert.equal(labelSelectorMatcher(undefined).matches({}), false);
  assert.equal(labelSelectorMatcher({}).matches({}), true);
  const selector = {
    matchLabels: { b: '2', a: '1' },
    matchExpressions: [{ key: 'c', operator: 'In', values: ['y', 'x'] }],
  };
  assert.equal(labelSelectorMatcher(selector).matches({ a: '1', b: '2', c: 'x' }), true);
  assert.equal(labelSelectorMatcher(selector).matches({ a: '1', b: '2' }), false);
  assert.equal(formatLabelSelector(selector), 'a=1,b=2,c in (x,y)');
  assert.equal(formatLabelSelector({}), '<none>');
});

test('field selectors read terms, both operators and escapes', () => {
  const matcher = parseFieldSelector('spec.nodeName=n1,status.phase!=Failed,metadata.name==a\\,b');
  assert.deepEqual(matcher.requirements, [
    { field: 'spec.nodeName', operator: '=', value: 'n1' },
    { field: 'status.phase', operator: '!=', value: 'Failed' },
    { field: 'metadata.name', operator: '=', value: 'a,b' },
  ]);
  assert.equal(matcher.exact('spec.nodeName'), 'n1');
  assert.equal(matcher.exact('status.phase'), undefined);
  assert.equal(
    matcher.matches({ 'spec.nodeName': 'n1', 'status.phase': 'Running', 'metadata.name': 'a,b' }),
    true,
  );
  assert.equal(parseFieldSelector('spec.nodeName=').matches({}), true);
  assert.throws(
    () => parseFieldSelector('nonsense'),
    (err) => isStatus(err, 'BadRequest'),
  );
});

test('only published fields can be asked for', () => {
  const pods = { group: '', resource: 'pods', namespaced: true };
  assert.throws(
    () => checkFieldsSupported(parseFieldSelector('spec.hostname=x'), fieldNamesOf(pods)),
    /field label not supported: spec\.hostname/,
  );
  checkFieldsSupported(parseFieldSelector('status.phase=Running'), fieldNamesOf(pods));
  const pod = {
    metadata: { name: 'a', namespace: 'ns', uid: 'u', resourceVersion: '1', creationTimestamp: '' },
    spec: { containers: [], nodeName: 'n1' },
  } satisfies Pod;
  assert.equal(fieldsOf(pods, pod)['spec.nodeName'], 'n1');
  assert.equal(fieldsOf(pods, pod)['status.phase'], '');
  assert.equal(fieldsOf({ group: '', resource: 'configmaps' }, pod)['metadata.namespace'], 'ns');
});
