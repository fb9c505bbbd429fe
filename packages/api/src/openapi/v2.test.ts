import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import type * as Protobuf from 'protobufjs';
import { encodeDocumentV2, openapiV2 } from './index.ts';

const protobuf = createRequire(import.meta.url)('protobufjs') as typeof Protobuf;

interface Schema {
  $ref?: string;
  type?: string;
  properties?: Record<string, Schema>;
}
const document = openapiV2() as { swagger: string; definitions: Record<string, Schema> };

describe('the OpenAPI v2 document', () => {
  test('defines all that it refers to and has nothing that only v3 knows', () => {
    const text = JSON.stringify(document);
    for (const [, target = ''] of text.matchAll(/"\$ref":"#\/definitions\/([^"]+)"/g)) {
      assert.ok(target in document.definitions, target);
    }
    assert.doesNotMatch(text, /"(oneOf|allOf)":|#\/components/);
  });

  test('has descriptions beside bare references, and quantities as strings', () => {
    const spec = document.definitions['io.k8s.api.core.v1.Pod']?.properties?.['spec'];
    assert.equal(spec?.$ref, '#/definitions/io.k8s.api.core.v1.PodSpec');
    assert.ok('description' in spec);
    const { type } = document.definitions['io.k8s.apimachinery.pkg.api.resource.Quantity'] ?? {};
    assert.equal(type, 'string');
  });

  test('is read back from protobuf by what gnostic calls its fields', () => {
    const { root } = protobuf.parse(`syntax = "proto3";
      message Any { string yaml = 2; }
      message NamedAny { string name = 1; Any value = 2; }
      message NamedSchema { string name = 1; Schema value = 2; }
      message Schemas { repeated NamedSchema additional_properties = 1; }
      message TypeItem { repeated string value = 1; }
      message ItemsItem { repeated Schema schema = 1; }
      message Schema { string ref = 1; repeated string required = 19; TypeItem type = 22; ItemsItem items = 23;
        Schemas properties = 25; repeated NamedAny vendor_extension = 31; }
      message Document { string swagger = 1; Schemas definitions = 9; }`);
    interface Read {
      readonly value: Readonly<Record<string, string[]>> & {
        readonly properties?: Named;
        readonly vendorExtension: readonly { name: string; value: { yaml: string } }[];
      };
    }
    interface Named {
      readonly additionalProperties: readonly (Read & { readonly name: string })[];
    }
    const type = root.lookupType('Document');
    const read = type.toObject(type.decode(encodeDocumentV2(document))) as {
      swagger: string;
      definitions: Named;
    };
    assert.equal(read.swagger, '2.0');
    const definitions = read.definitions.additionalProperties;
    assert.deepEqual(
      definitions.map(({ name }) => name),
      Object.keys(document.definitions),
    );
    const podSpec = definitions.find(({ name }) => name === 'io.k8s.api.core.v1.PodSpec')?.value;
    assert.deepEqual(podSpec?.['required'], ['containers']);
    assert.deepEqual(
      podSpec?.properties?.additionalProperties.map(({ name }) => name),
      Object.keys(document.definitions['io.k8s.api.core.v1.PodSpec']?.properties ?? {}),
    );
    const pod = definitions.find(({ name }) => name === 'io.k8s.api.core.v1.Pod')?.value;
    assert.deepEqual(pod?.vendorExtension, [
      {
        name: 'x-kubernetes-group-version-kind',
        value: { yaml: '[{"group":"","version":"v1","kind":"Pod"}]' },
      },
    ]);
  });
});
