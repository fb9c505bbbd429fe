import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ApiError, apiErrorFrom, errors, hasCause, isStatus } from './errors.ts';
import * as field from './field-errors.ts';

const pods = { group: '', resource: 'pods', kind: 'Pod' };
const deployments = { group: 'apps', resource: 'deployments', kind: 'Deployment' };

test('each refusal has upstream code, reason and message', () => {
  const cases: [error: ApiError, code: number, reason: string, message: string][] = [
    [errors.notFound(pods, 'web'), 404, 'NotFound', 'pods "web" not found'],
    [errors.notFound(deployments, 'web'), 404, 'NotFound', 'deployments.apps "web" not found'],
    [errors.alreadyExists(pods, 'web'), 409, 'AlreadyExists', 'pods "web" already exists'],
    [
      errors.conflict(deployments, 'web'),
      409,
      'Conflict',
      'Operation cannot be fulfilled on deployments.apps "web": the object has been modified; ' +
        'please apply your changes to the latest version and try again',
    ],
    [errors.forbidden(pods, 'web', 'no'), 403, 'Forbidden', 'pods "web" is forbidden: no'],
    [errors.forbidden(pods, '', 'no'), 403, 'Forbidden', 'pods is forbidden: no'],
    [errors.forbidden(undefined, '', 'no'), 403, 'Forbidden', 'forbidden: no'],
    [errors.unauthorized(), 401, 'Unauthorized', 'Unauthorized'],
    [
      errors.methodNotAllowed(pods, 'patch'),
      405,
      'MethodNotAllowed',
      'patch is not supported on resources of kind "pods"',
    ],
    [errors.internalError(new Error('boom')), 500, 'InternalError', 'Internal error occurred: boom'],
    [
      errors.serverTimeout(pods, 'list'),
      500,
      'ServerTimeout',
      'The list operation against pods could not be completed at this time, please try again.',
    ],
    [
      errors.tooLargeResourceVersion(9, 3),
      504,
      'Timeout',
      'Timeout: Too large resource version: 9, current: 3',
    ],
  ];
  for (const [error, code, reason, message] of cases) {
    assert.deepEqual([error.code, error.reason, error.message], [code, reason, message]);
    assert.equal(error.status.status, 'Failure');
  }
});

test('Invalid names the Kind and carries one cause a field', () => {
  const error = errors.invalid(deployments, 'web', [
    field.invalid('spec.replicas', -1, 'must be greater than or equal to 0'),
    field.required('spec.template.spec.containers'),
  ]);
  assert.equal(
    error.message,
    'Deployment.apps "web" is invalid: [spec.replicas: Invalid value: -1: must be greater than or equal to 0, ' +
      'spec.template.spec.containers: Required value]',
  );
  assert.deepEqual(error.status.details, {
    name: 'web',
    group: 'apps',
    kind: 'Deployment',
    causes: [
      {
        reason: 'FieldValueInvalid',
        message: 'Invalid value: -1: must be greater than or equal to 0',
        field: 'spec.replicas',
      },
      { reason: 'FieldValueRequired', message: 'Required value', field: 'spec.template.spec.containers' },
    ],
  });
});

test('field errors read as upstream writes them', () => {
  const cases: [error: field.FieldError, want: string][] = [
    [field.notSupported('a', 'x', ['A', 'B']), 'a: Unsupported value: "x": supported values: "A", "B"'],
    [field.forbidden('a', 'no'), 'a: Forbidden: no'],
    [field.duplicate('a[1]', 'x'), 'a[1]: Duplicate value: "x"'],
    [field.tooLong('a', 63), 'a: Too long: may not be more than 63 bytes'],
    [field.tooMany('a', 3, 1), 'a: Too many: 3: must have at most 1 item'],
    [field.fieldNotFound('a', 'x'), 'a: Not found: "x"'],
    [field.invalid('a', { b: 1 }, 'bad'), 'a: Invalid value: {"b":1}: bad'],
    [field.invalid('a', undefined, 'bad'), 'a: Invalid value: null: bad'],
  ];
  for (const [error, want] of cases) assert.equal(field.fieldErrorMessage(error), want);
});

test('isStatus and hasCause read errors by their data', () => {
  const causes = [{ reason: 'NamespaceTerminating', message: 'x', field: 'metadata.namespace' }];
  const error = errors.forbidden(pods, 'web', 'x', causes);
  assert.equal(isStatus(error, 'NotFound', 'Forbidden'), true);
  assert.equal(isStatus(error, 'NotFound'), false);
  assert.equal(isStatus(new Error('no'), 'NotFound'), false);
  assert.equal(hasCause(error, 'NamespaceTerminating'), true);
  assert.equal(apiErrorFrom({ code: 404, message: 'gone' }).reason, 'NotFound');
});
