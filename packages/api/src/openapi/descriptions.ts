/**
 * The words of `kubectl explain`. They are upstream's, so they are not in this repository: the npm package
 * `kubernetes-types` carries them as doc comments, read anew for each document and kept by nobody.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/** Descriptions of definitions (`io.k8s.api.core.v1.Pod`) and their fields. */
export interface Descriptions {
  ofDefinition(id: string): string | undefined;
  ofField(id: string, field: string): string | undefined;
}

/**
 * Reads files on first use of something in them; a definition that the package does not have yet has no
 * description.
 */
export function readDescriptions(): Descriptions {
  const files = new Map<string, Map<string, string>>();
  const textOf = (id: string, suffix: string): string | undefined => {
    const [file, name] = placeOf(id);
    let comments = files.get(file);
    if (comments === undefined) files.set(file, (comments = commentsIn(readIfThere(file))));
    return comments.get(`${name}${suffix}`);
  };
  return {
    ofDefinition: (id) => textOf(id, ''),
    ofField: (id, field) => textOf(id, `.${field}`),
  };
}

/** `io.k8s.api.apps.v1.Deployment` → `apps/v1.d.ts`, `Deployment`. */
function placeOf(id: string): [file: string, name: string] {
  const parts = id.split('.');
  const name = parts.at(-1) ?? '';
  if (id.includes('.pkg.api.resource.')) return ['api/resource.d.ts', name];
  if (id.includes('.pkg.runtime.')) return ['runtime.d.ts', name];
  return [`${parts.at(-3)}/${parts.at(-2)}.d.ts`, name];
}

function readIfThere(file: string): string {
  const root = path.dirname(createRequire(import.meta.url).resolve('kubernetes-types/package.json'));
  try {
    return readFileSync(path.join(root, file), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

const COMMENTED =
  /\/\*\*([\s\S]*?)\*\/\s*(?:export (?:interface|type) (\w+)|(?:readonly )?(?:'([^']+)'|"([^"]+)"|([$\w]+))\??:)/g;

/** Each doc comment of a declaration file, by `Interface` or `Interface.field`. */
export function commentsIn(source: string): Map<string, string> {
  const comments = new Map<string, string>();
  let current = '';
  for (const [, comment = '', type, ...fields] of source.matchAll(COMMENTED)) {
    if (type !== undefined) current = type;
    const field = fields.find((name) => name !== undefined);
    comments.set(field === undefined ? current : `${current}.${field}`, plainText(comment));
  }
  return comments;
}

function plainText(comment: string): string {
  const lines = comment.split('\n').map((line) => line.replace(/^\s*\* ?/, ''));
  return lines.join('\n').trim();
}
