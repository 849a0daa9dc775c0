const [QUOTE, BACKSLASH, OPEN, CLOSE, COMMA, COLON, BRACE, END_BRACE] = Array.from('"\\[],:{}', (char) =>
  char.charCodeAt(0),
) as [number, number, number, number, number, number, number, number];
const SPACE = 0x20;

/**
 * The merges of a tokenizer.json as ranges of its text. The largest files have half a million pairs: read this way they
 * never become arrays and strings, which took half of the time to open such a file.
 */
export class MergesText {
  count = 0;
  /** [count × 4] start and end of the left and the right token in the text; escaped ones in `escaped`. */
  bounds = new Int32Array(1 << 16);
  /** Tokens written with escapes: token i has start −1 − i. */
  readonly escaped: string[] = [];

  constructor(readonly text: string) {}

  add(leftStart: number, leftEnd: number, rightStart: number, rightEnd: number): void {
    const at = this.count++ * 4;
    if (at === this.bounds.length) {
      const grown = new Int32Array(at * 2);
      grown.set(this.bounds);
      this.bounds = grown;
    }
    this.bounds[at] = leftStart;
    this.bounds[at + 1] = leftEnd;
    this.bounds[at + 2] = rightStart;
    this.bounds[at + 3] = rightEnd;
  }
}

/**
 * Extracts the merges from a tokenizer.json: returns the text with an empty list in their place, and the merges. Null
 * if the text isn't as expected, which parsing it as JSON will report.
 */
export function takeMerges(text: string): { rest: string; merges: MergesText } | null {
  const scanner = new Scanner(text);
  if (!scanner.enter('model') || !scanner.enter('merges')) return null;
  const start = scanner.at;
  const merges = scanner.merges();
  return merges && { rest: `${text.slice(0, start)}[]${text.slice(scanner.at)}`, merges };
}

class Scanner {
  at = 0;
  /** The last string read: its range between the quotes, or −1 − i for an escaped one. */
  private start = 0;
  private end = 0;
  private readonly found: MergesText;

  constructor(private readonly text: string) {
    this.found = new MergesText(text);
    this.space();
  }

  /** Moves from the start of an object to the value of one of its keys. */
  enter(key: string): boolean {
    if (!this.take(BRACE)) return false;
    while (this.text.charCodeAt(this.at) === QUOTE) {
      const isKey = this.text.startsWith(`${key}"`, this.at + 1);
      if (!this.skipString()) return false;
      this.space();
      if (!this.take(COLON)) return false;
      if (isKey) return true;
      this.skipValue();
      if (!this.take(COMMA)) return false;
    }
    return false;
  }

  /** Reads a list of merges and moves past it; null if it is not one. */
  merges(): MergesText | null {
    const { found } = this;
    if (!this.take(OPEN)) return null;
    if (this.text.charCodeAt(this.at) === CLOSE) return null;
    do {
      if (this.text.charCodeAt(this.at) === OPEN ? !this.pair() : !this.halves()) return null;
      this.space();
    } while (this.take(COMMA));
    if (this.text.charCodeAt(this.at) !== CLOSE) return null;
    this.at++;
    return found;
  }

  private pair(): boolean {
    this.take(OPEN);
    if (!this.string()) return false;
    const { start, end } = this;
    this.space();
    if (!this.take(COMMA) || !this.string()) return false;
    this.found.add(start, end, this.start, this.end);
    this.space();
    if (this.text.charCodeAt(this.at) !== CLOSE) return false;
    this.at++;
    return true;
  }

  /** A merge as one text: two tokens separated by a space. Such a file may start with a line "#version: 0.2". */
  private halves(): boolean {
    if (!this.string()) return false;
    if (this.start < 0) return this.escapedHalves();
    const { text, start, end } = this;
    if (text.startsWith('#version', start)) return true;
    let space = -1;
    for (let at = start; at < end; at++) {
      if (text.charCodeAt(at) !== SPACE) continue;
      if (space >= 0) return false;
      space = at;
    }
    if (space < 0) return false;
    this.found.add(start, space, space + 1, end);
    return true;
  }

  private escapedHalves(): boolean {
    const { escaped } = this.found;
    const parts = escaped.pop()!.split(' ');
    if (parts.length !== 2) return false;
    const right = escaped.push(...parts);
    this.found.add(1 - right, 0, -right, 0);
    return true;
  }

  /** Reads a string and moves past it. */
  private string(): boolean {
    const { text } = this;
    const first = this.at;
    if (text.charCodeAt(first) !== QUOTE) return false;
    let at = first + 1;
    for (let unit = text.charCodeAt(at); unit !== QUOTE; unit = text.charCodeAt(++at)) {
      if (unit === BACKSLASH) return this.escapedString();
      // Control characters and the end of the text are errors.
      if (!(unit >= SPACE)) return false;
    }
    this.start = first + 1;
    this.end = at;
    this.at = at + 1;
    return true;
  }

  private escapedString(): boolean {
    const first = this.at;
    if (!this.skipString()) return false;
    try {
      this.start = -this.found.escaped.push(JSON.parse(this.text.slice(first, this.at)) as string);
      return true;
    } catch {
      return false;
    }
  }

  private skipString(): boolean {
    for (let end = this.text.indexOf('"', this.at + 1); end >= 0; end = this.text.indexOf('"', end + 1)) {
      let first = end;
      while (this.text.charCodeAt(first - 1) === BACKSLASH) first--;
      if ((end - first) % 2 === 1) continue;
      this.at = end + 1;
      return true;
    }
    this.at = this.text.length;
    return false;
  }

  /** Moves past a value, judging by brackets and strings only. */
  private skipValue(): void {
    let depth = 0;
    for (; this.at < this.text.length; this.at++) {
      const unit = this.text.charCodeAt(this.at);
      if (unit === QUOTE) {
        this.skipString();
        this.at--;
      } else if (unit === OPEN || unit === BRACE) depth++;
      else if (unit === CLOSE || unit === END_BRACE) {
        if (depth-- === 0) return;
      } else if (unit === COMMA && depth === 0) return;
    }
  }

  private take(unit: number): boolean {
    if (this.text.charCodeAt(this.at) !== unit) return false;
    this.at++;
    this.space();
    return true;
  }

  private space(): void {
    for (; ; this.at++) {
      const unit = this.text.charCodeAt(this.at);
      if (unit !== SPACE && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
    }
  }
}
