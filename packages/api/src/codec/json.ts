/** JSON with what JSON.parse does not tell: fields given twice, and nesting that would exhaust the stack. */
import { DecodeError } from '../schema/decode-error.ts';

/** Objects and arrays inside one another; API objects stay below 30. */
const NESTING_MAX = 500;

/** Named in an answer. */
const DUPLICATES_MAX = 100;

export interface Parsed {
  readonly value: unknown;
  /** `duplicate field "spec.replicas"`. */
  readonly duplicates: string[];
}

/** Throws DecodeError. */
export function parseJson(text: string): Parsed {
  const keyCount = countKeys(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new DecodeError(`json parse error: ${error instanceof Error ? error.message : String(error)}`);
  }
  // JSON.parse keeps one of two equal keys. Comparing counts is cheap; who is guilty is only asked when they
  // differ.
  const duplicates = keyCount === countKeysOf(value) ? [] : duplicateFields(text);
  return { value, duplicates };
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPENING = new Set([0x7b, 0x5b]);
const CLOSING = new Set([0x7d, 0x5d]);

/** The number of `:` outside strings, which is the number of keys. Throws when the nesting is too deep. */
function countKeys(text: string): number {
  let keys = 0;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOfString(text, i);
    else if (code === COLON) keys += 1;
    else if (CLOSING.has(code)) depth -= 1;
    else if (OPENING.has(code) && ++depth > NESTING_MAX) {
      throw new DecodeError(`json parse error: exceeded max depth of ${NESTING_MAX}`);
    }
  }
  return keys;
}

/** The index of the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === BACKSLASH) i += 1;
    else if (code === QUOTE) return i;
  }
  return text.length;
}

function countKeysOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const items = Array.isArray(value) ? value : Object.values(value);
  return items.reduce<number>(
    (sum, item) => sum + countKeysOf(item),
    Array.isArray(value) ? 0 : items.length,
  );
}

interface Level {
  readonly path: string;
  /** Undefined in arrays. */
  readonly keys: Set<string> | undefined;
  /** The key or index of the value now read. */
  at: string;
  index: number;
}

/** Walks valid JSON again, key by key. */
function duplicateFields(text: string): string[] {
  const found = new Set<string>();
  const levels: Level[] = [];
  let lastString = '';
  for (let i = 0; i < text.length; i++) {
    const top = levels.at(-1);
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      const end = endOfString(text, i);
      lastString = text.slice(i, end + 1);
      i = end;
    } else if (code === COLON && top?.keys !== undefined) {
      const key = JSON.parse(lastString) as string;
      top.at = top.path === '' ? key : `${top.path}.${key}`;
      if (top.keys.has(key)) found.add(`duplicate field "${top.at}"`);
      top.keys.add(key);
    } else if (text[i] === ',' && top !== undefined && top.keys === undefined) {
      top.index += 1;
      top.at = `${top.path}[${top.index}]`;
    } else if (OPENING.has(code)) {
      levels.push(levelAt(top?.at ?? '', text[i] === '{'));
    } else if (CLOSING.has(code)) {
      levels.pop();
    }
  }
  return [...found].slice(0, DUPLICATES_MAX);
}

function levelAt(path: string, isObject: boolean): Level {
  return { path, keys: isObject ? new Set() : undefined, at: `${path}[0]`, index: 0 };
}
