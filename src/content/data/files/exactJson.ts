/**
 * JSON with its numbers as written. Python distinguishes `1.0` from `1` and has integers of any size, and chat
 * templates print both; `JSON.parse` loses the difference. Here an integral number written as a float is a boxed
 * `Number`, and an integer beyond 2^53 − 1 a `bigint`; both survive structured cloning. All other values equal those of
 * `JSON.parse`. `Number(value)` reads any of the three.
 */

/** Maximum nesting that is parsed with exact numbers. */
const MAX_DEPTH = 1000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** A JSON number, or one of the three non-finite ones that Python's json module writes. */
const NUMBER = /-?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|Infinity)|NaN/y;

/**
 * Parses JSON with its numbers as written. Accepts NaN, Infinity and -Infinity, which Python's `json.dumps` writes.
 * Throws the `SyntaxError` of `JSON.parse`.
 * @param loses whether `JSON.parse` may lose how its numbers are written, if known
 */
export function parseJson(text: string, loses?: boolean): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!/\b(?:NaN|Infinity)\b/.test(text)) throw error;
    const read = new ExactReader(text).readAll();
    if (read === undefined) throw error;
    return read.value;
  }
  return (loses ?? losesNumbers(text)) ? (new ExactReader(text).readAll()?.value ?? value) : value;
}

/** Whether valid JSON holds a number, outside its strings, whose spelling `JSON.parse` would lose. */
export function losesNumbers(json: string): boolean {
  let at = 0;
  while (at < json.length) {
    let quote = json.indexOf('"', at);
    if (quote < 0) quote = json.length;
    if (losesNumbersBetween(json, at, quote)) return true;
    at = endOfString(json, quote);
  }
  return false;
}

function losesNumbersBetween(json: string, from: number, to: number): boolean {
  let digits = 0;
  for (let i = from; i < to; i++) {
    const code = json.charCodeAt(i);
    if (code >= 0x30 && code <= 0x39) {
      if (++digits < 16) continue;
    } else {
      const follows = digits > 0 && (code === 0x2e || code === 0x65 || code === 0x45);
      if (!follows) {
        digits = 0;
        continue;
      }
    }
    // The whole number that this digit or sign is part of.
    let start = i;
    while (start > from && /[\d-]/.test(json[start - 1]!)) start--;
    NUMBER.lastIndex = start;
    const literal = NUMBER.exec(json)?.[0] ?? '';
    if (typeof numberOf(literal) !== 'number') return true;
    i = Math.max(i, start + literal.length - 1);
    digits = 0;
  }
  return false;
}

/** Index after the string whose opening quote is at `quote`. */
function endOfString(json: string, quote: number): number {
  let at = quote + 1;
  for (;;) {
    const end = json.indexOf('"', at);
    if (end < 0) return json.length;
    let slashes = 0;
    while (json.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return end + 1;
    at = end + 1;
  }
}

/** The value of a number literal: boxed for an integral float, a bigint for an integer that a double cannot hold. */
export function numberOf(literal: string): unknown {
  const value = Number(literal);
  if (/[.eE]/.test(literal)) return Number.isInteger(value) ? floatOf(value) : value;
  return Number.isSafeInteger(value) || /[^\d-]/.test(literal) ? value : BigInt(literal);
}

/** A float, boxed if it is integral, so that it is not written as an integer. */
export function floatOf(value: number): unknown {
  // oxlint-disable-next-line no-new-wrappers -- only the box distinguishes it from an integer, and a clone preserves it
  return Number.isInteger(value) ? new Number(value) : value;
}

/** Recursive-descent parser for text that `JSON.parse` accepts, plus NaN and Infinity. */
class ExactReader {
  private at = 0;

  constructor(private readonly text: string) {}

  /** The value of the whole text in a box; undefined if it is not JSON or nests too deep. */
  readAll(): { value: unknown } | undefined {
    try {
      const value = this.value(0);
      this.space();
      return this.at === this.text.length ? { value } : undefined;
    } catch (error) {
      if (error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  private value(depth: number): unknown {
    if (depth > MAX_DEPTH) throw new SyntaxError();
    this.space();
    switch (this.text[this.at]) {
      case '{':
        return this.object(depth);
      case '[':
        return this.list(depth);
      case '"':
        return this.string();
      case 't':
        return this.word('true', true);
      case 'f':
        return this.word('false', false);
      case 'n':
        return this.word('null', null);
    }
    NUMBER.lastIndex = this.at;
    const literal = NUMBER.exec(this.text)?.[0];
    // JSON allows no leading zeros.
    if (literal === undefined || /^-?0\d/.test(literal)) throw new SyntaxError();
    this.at += literal.length;
    return numberOf(literal);
  }

  private object(depth: number): object {
    const object: Record<string, unknown> = {};
    this.at++;
    if (this.took('}')) return object;
    do {
      this.space();
      const key = this.string();
      this.need(':');
      const value = this.value(depth + 1);
      if (key === '__proto__') {
        Object.defineProperty(object, key, { value, configurable: true, enumerable: true, writable: true });
      } else object[key] = value;
    } while (this.took(','));
    this.need('}');
    return object;
  }

  private list(depth: number): unknown[] {
    const list: unknown[] = [];
    this.at++;
    if (this.took(']')) return list;
    do list.push(this.value(depth + 1));
    while (this.took(','));
    this.need(']');
    return list;
  }

  private string(): string {
    if (this.text.charCodeAt(this.at) !== QUOTE) throw new SyntaxError();
    const end = endOfString(this.text, this.at);
    const literal = this.text.slice(this.at, end);
    this.at = end;
    return JSON.parse(literal) as string;
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) throw new SyntaxError();
    this.at += word.length;
    return value;
  }

  private took(mark: string): boolean {
    this.space();
    if (this.text[this.at] !== mark) return false;
    this.at++;
    return true;
  }

  private need(mark: string): void {
    if (!this.took(mark)) throw new SyntaxError();
  }

  private space(): void {
    while (' \n\r\t'.includes(this.text[this.at] ?? 'x')) this.at++;
  }
}

/**
 * Writes a value as JSON in the layout of `JSON.stringify`, with `indent` spaces per level (0: on one line). Boxed
 * numbers are written as floats (`1.0`), bigints with all digits, NaN and Infinity as Python does: {@link parseJson}
 * reads back the same value.
 */
export function toJsonText(value: unknown, indent = 0): string {
  return written(value, indent, '\n') ?? 'null';
}

function written(value: unknown, indent: number, line: string): string | undefined {
  if (typeof value === 'bigint' || typeof value === 'number') return String(value);
  if (value instanceof Number) return floatText(value.valueOf());
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) as string | undefined;
  const inner = indent > 0 ? line + ' '.repeat(indent) : '';
  const parts = Array.isArray(value)
    ? value.map((item) => written(item, indent, inner) ?? 'null')
    : Object.entries(value).flatMap(([key, field]) => {
        const text = written(field, indent, inner);
        return text === undefined ? [] : `${JSON.stringify(key)}:${indent > 0 ? ' ' : ''}${text}`;
      });
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  if (parts.length === 0) return `${open}${close}`;
  return `${open}${inner}${parts.join(`,${inner}`)}${indent > 0 ? line : ''}${close}`;
}

function floatText(value: number): string {
  const text = Object.is(value, -0) ? '-0' : String(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}
