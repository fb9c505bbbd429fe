/**
 * YAML bodies: one document, YAML 1.1 as Kubernetes reads it (`yes` is true, `0644` is octal), without its
 * dates and base-60 numbers.
 */
import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';
import { DecodeError } from '../schema/decode-error.ts';
import type { Parsed } from './json.ts';

/** Guards against documents that grow when their aliases are expanded. */
const ALIASES_MAX = 100;

let library: typeof Yaml | undefined;

/** Loaded with the first YAML body: most servers never see one. */
function yaml(): typeof Yaml {
  library ??= createRequire(import.meta.url)('yaml') as typeof Yaml;
  return library;
}

/** Throws DecodeError. */
export function parseYaml(text: string): Parsed {
  const document = yaml().parseDocument(text, {
    version: '1.1',
    customTags: withoutTimes,
    logLevel: 'silent',
  });
  const duplicates: string[] = [];
  for (const error of document.errors) {
    if (error.code !== 'DUPLICATE_KEY') throw yamlError(error);
    duplicates.push(`line ${error.linePos?.[0].line ?? 0}: key already set in map`);
  }
  try {
    return { value: document.toJS({ maxAliasCount: ALIASES_MAX }) as unknown, duplicates };
  } catch (error) {
    throw yamlError(error);
  }
}

/** Dates stay text and `10:30` is not a number in Kubernetes' YAML. */
function withoutTimes(tags: Yaml.Tags): Yaml.Tags {
  return tags.filter((tag) => {
    if (typeof tag === 'string') return true;
    const format = 'format' in tag ? tag.format : undefined;
    return tag.tag !== 'tag:yaml.org,2002:timestamp' && format !== 'TIME';
  });
}

function yamlError(error: unknown): DecodeError {
  const message = error instanceof Error ? error.message : String(error);
  return new DecodeError(`error converting YAML to JSON: yaml: ${message.split('\n')[0] ?? ''}`);
}
