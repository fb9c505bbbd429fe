/**
 * JSON as Go's `encoding/json` decoder takes it off a stream: one value after the other, numbers unconverted
 * (64 bits fit no double), errors in Go's words, which clients of etcd's gateway see.
 */
export type JsonValue = null | boolean | string | JsonNumber | readonly JsonValue[] | JsonObject;
/** Keys in their order; a Map, so that no key is special. */
export type JsonObject = ReadonlyMap<string, JsonValue>;

/** A number as it was written. */
export class JsonNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Not JSON, or nested too deeply. */
export class JsonSyntaxError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'JsonSyntaxError';
  }
}

const DEPTH_MAX = 100;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** The text ends in the middle of a value. */
class Incomplete extends Error {}

/**
 * The first value of a whole body; what follows is not looked at. Undefined for an empty body.
 * @throws JsonSyntaxError
 */
export function readJson(text: string): JsonValue | undefined {
  try {
    // The blank ends a number that the text ends with.
    return new Reader(/\d$/.test(text) ? `${text} ` : text).value(0);
  } catch (error) {
    if (!(error instanceof Incomplete)) throw error;
  }
  if (text.trim() === '') return undefined;
  throw new JsonSyntaxError('unexpected EOF');
}

class Reader {
  #at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): JsonValue {
    if (depth > DEPTH_MAX) throw new JsonSyntaxError('exceeded max depth');
    const char = this.#peek();
    switch (char) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      case 't':
        return this.#literal('true', true);
      case 'f':
        return this.#literal('false', false);
      case 'n':
        return this.#literal('null', null);
      default:
        if (char === '-' || isDigit(char)) return this.#number();
        throw unexpected(char, 'looking for beginning of value');
    }
  }

  #object(depth: number): JsonObject {
    const fields = new Map<string, JsonValue>();
    this.#at++;
    if (this.#peek() === '}') {
      this.#at++;
      return fields;
    }
    for (;;) {
      if (this.#peek() !== '"') throw unexpected(this.#peek(), 'looking for beginning of object key string');
      const key = this.#string();
      if (this.#peek() !== ':') throw unexpected(this.#peek(), 'after object key');
      this.#at++;
      fields.set(key, this.value(depth + 1));
      const after = this.#peek();
      if (after !== ',' && after !== '}') throw unexpected(after, 'after object key:value pair');
      this.#at++;
      if (after === '}') return fields;
    }
  }

  #array(depth: number): JsonValue[] {
    const values: JsonValue[] = [];
    this.#at++;
    if (this.#peek() === ']') {
      this.#at++;
      return values;
    }
    for (;;) {
      values.push(this.value(depth + 1));
      const after = this.#peek();
      if (after !== ',' && after !== ']') throw unexpected(after, 'after array element');
      this.#at++;
      if (after === ']') return values;
    }
  }

  #string(): string {
    let result = '';
    let from = ++this.#at;
    for (;;) {
      const char = this.#take();
      if (char === '"') return result + this.#text.slice(from, this.#at - 1);
      if (char < ' ') throw unexpected(char, 'in string literal');
      if (char !== '\\') continue;
      result += this.#text.slice(from, this.#at - 1) + this.#escape();
      from = this.#at;
    }
  }

  #escape(): string {
    const char = this.#take();
    const plain = ESCAPES[char];
    if (plain !== undefined) return plain;
    if (char !== 'u') throw unexpected(char, 'in string escape code');
    let hex = '';
    for (let i = 0; i < 4; i++) {
      const digit = this.#take();
      if (!/[0-9a-f]/i.test(digit)) throw unexpected(digit, 'in \\u hexadecimal character escape');
      hex += digit;
    }
    return String.fromCharCode(Number.parseInt(hex, 16));
  }

  #literal<T extends boolean | null>(word: string, value: T): T {
    for (const expected of word) {
      const char = this.#take();
      if (char !== expected) throw unexpected(char, `in literal ${word} (expecting '${expected}')`);
    }
    return value;
  }

  #number(): JsonNumber {
    const from = this.#at;
    if (this.#text[this.#at] === '-') this.#at++;
    if (this.#now() === '0') this.#at++;
    else this.#digits('in numeric literal');
    if (this.#now() === '.') {
      this.#at++;
      this.#digits('after decimal point in numeric literal');
    }
    if (this.#now() === 'e' || this.#now() === 'E') {
      this.#at++;
      if (this.#now() === '+' || this.#now() === '-') this.#at++;
      this.#digits('in exponent of numeric literal');
    }
    return new JsonNumber(this.#text.slice(from, this.#at));
  }

  #digits(where: string): void {
    if (!isDigit(this.#now())) throw unexpected(this.#now(), where);
    while (isDigit(this.#now())) this.#at++;
  }

  /** The next character that is no blank. */
  #peek(): string {
    while (this.#at < this.#text.length && ' \t\r\n'.includes(this.#text[this.#at] ?? '')) this.#at++;
    return this.#now();
  }

  #now(): string {
    const char = this.#text[this.#at];
    if (char === undefined) throw new Incomplete();
    return char;
  }

  #take(): string {
    const char = this.#now();
    this.#at++;
    return char;
  }
}

function isDigit(char: string): boolean {
  return char >= '0' && char <= '9';
}

function unexpected(char: string, where: string): JsonSyntaxError {
  return new JsonSyntaxError(`invalid character ${quoteChar(char)} ${where}`);
}

/** As Go prints a character. */
function quoteChar(char: string): string {
  if (char === "'") return String.raw`'\''`;
  if (char === '"') return `'"'`;
  return `'${JSON.stringify(char).slice(1, -1)}'`;
}
