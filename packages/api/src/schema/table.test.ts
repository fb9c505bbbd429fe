import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import messages from '../generated/protobuf.json' with { type: 'json' };
import { resources } from '../scheme.ts';
import { type Definition, definitionNames, definitionOf, type Field, hasDefinition } from './index.ts';

const definitions = definitionNames().map(definitionOf);

function eachField(check: (field: Field, name: string, definition: Definition) => void): void {
  for (const definition of definitions) {
    for (const [name, field] of definition.fields) check(field, name, definition);
  }
}

describe('the schema table', () => {
  test('refers to nothing that it does not define', () => {
    eachField((field, name, definition) => {
      for (let f: Field | undefined = field; f !== undefined; f = f.items) {
        if (f.type === 'object')
          assert.ok(f.ref !== undefined && hasDefinition(f.ref), `${definition.name}.${name}`);
        if (f.type === 'array' || f.type === 'map')
          assert.ok(f.items !== undefined, `${definition.name}.${name}`);
      }
    });
  });

  test('merges lists only by keys that their elements have', () => {
    eachField((field, name, definition) => {
      const keys = [...field.listMapKeys, ...(field.mergeKey === undefined ? [] : [field.mergeKey])];
      const element = field.items?.ref;
      for (const key of keys) {
        assert.ok(
          element !== undefined && definitionOf(element).fields.has(key),
          `${definition.name}.${name}: ${key}`,
        );
      }
    });
  });

  test('requires only fields that exist', () => {
    for (const { name, required, fields } of definitions) {
      for (const field of required) assert.ok(fields.has(field), `${name}.${field}`);
    }
  });

  test('has every served kind, with metadata', () => {
    for (const { schema, apiVersion, kind } of resources) {
      const definition = definitionOf(schema);
      assert.equal(definition.fields.get('metadata')?.ref, 'ObjectMeta', schema);
      const { group = '', version = '' } = definition.gvk ?? {};
      assert.deepEqual(
        [group === '' ? version : `${group}/${version}`, definition.gvk?.kind],
        [apiVersion, kind],
      );
    }
  });

  test('keeps Kubernetes’ well-known merge strategies', () => {
    const field = (definition: string, name: string) => definitionOf(definition).fields.get(name);
    assert.equal(field('PodSpec', 'containers')?.mergeKey, 'name');
    assert.deepEqual(field('PodSpec', 'volumes')?.patchStrategies, ['merge', 'retainKeys']);
    assert.deepEqual(field('DeploymentSpec', 'strategy')?.patchStrategies, ['retainKeys']);
    assert.deepEqual(field('Container', 'ports')?.listMapKeys, ['containerPort', 'protocol']);
    assert.equal(field('NodeSpec', 'taints')?.mergeKey, undefined);
    assert.equal(field('DeploymentSpec', 'replicas')?.zeroIsValue, true);
    assert.equal(field('PodSpec', 'hostNetwork')?.zeroIsValue, false);
  });
});

describe('the protobuf table', () => {
  const rows = Object.entries(
    messages as unknown as Record<string, Record<string, [string, string, string?]>>,
  );

  const isListWrapper = (type: string): boolean =>
    rows.some(([name, row]) => name === type && row['1']?.[0] === '[]');

  test('names only fields of the schema table, with the same shape', () => {
    for (const [message, fields] of rows) {
      if (!hasDefinition(message)) continue;
      const definition = definitionOf(message);
      for (const [json, type, label] of Object.values(fields)) {
        if (json === '') continue;
        const field = definition.fields.get(json);
        assert.ok(field !== undefined, `${message}.${json}`);
        const isList = label === 'repeated' || (label === undefined && isListWrapper(type));
        assert.equal(isList, field.type === 'array', `${message}.${json}`);
        assert.equal(label === 'map', field.type === 'map', `${message}.${json}`);
      }
    }
  });

  test('refers to nothing that it does not define', () => {
    const scalars = new Set(['string', 'bool', 'bytes', 'int32', 'int64']);
    for (const [message, fields] of rows) {
      for (const [json, type] of Object.values(fields)) {
        assert.ok(scalars.has(type) || type in messages, `${message}.${json}: ${type}`);
      }
    }
  });
});
