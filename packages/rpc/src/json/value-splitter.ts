/**
 * Finds where one JSON value of a stream ends and the next begins, in pieces of any size, looking at each
 * character once: however small the pieces are, the work is that of the whole text.
 */
export class ValueSplitter {
  #held: string[] = [];
  #heldLength = 0;
  #depth = 0;
  #isInString = false;
  #isEscaped = false;

  /** Of what is held of a value that is not whole yet. */
  get heldLength(): number {
    return this.#heldLength;
  }

  /**
   * The texts of the values that this piece completes. A text that is no JSON may come out in any way: what
   * parses it will say so.
   */
  push(piece: string): string[] {
    const values: string[] = [];
    let from = 0;
    for (let at = 0; at < piece.length; at++) {
      if (!this.#endsAt(piece.charCodeAt(at))) continue;
      this.#hold(piece.slice(from, at + 1));
      values.push(this.rest());
      from = at + 1;
    }
    this.#hold(piece.slice(from));
    return values;
  }

  /** What is left at the end of the stream: a value without a bracket, half of one, or blanks. */
  rest(): string {
    const text = this.#held.join('');
    this.#held = [];
    this.#heldLength = 0;
    this.#depth = 0;
    this.#isInString = false;
    return text;
  }

  #hold(text: string): void {
    if (text === '') return;
    this.#held.push(text);
    this.#heldLength += text.length;
  }

  #endsAt(char: number): boolean {
    if (this.#isInString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (char === BACKSLASH) this.#isEscaped = true;
      else if (char === QUOTE) this.#isInString = false;
      return false;
    }
    if (char === QUOTE) this.#isInString = true;
    else if (char === OPEN_BRACE || char === OPEN_BRACKET) this.#depth++;
    else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) return --this.#depth <= 0;
    return false;
  }
}

const [QUOTE, BACKSLASH, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [
  0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d,
];
