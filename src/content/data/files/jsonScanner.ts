/** State of a scan: at the end of the value, incomplete, or at a byte that is not valid there. */
export type Scan = 'done' | 'more' | 'failed';

const enum Expect {
  Value,
  /** Expects a value or `]`. */
  Item,
  /** Expects a key or `}`. */
  Key,
  /** Expects a key, after a comma. */
  NextKey,
  Colon,
  /** Expects a comma, or the end of the list or object. */
  Comma,
}

/**
 * Finds where a JSON value ends, chunk by chunk, without holding or parsing it. Checks JSON's grammar, but accepts any
 * bare word (`oops`, `NaN`, `01`) as a value: parsing detects those.
 */
export class JsonScanner {
  /** Depth of open lists and objects. */
  depth = 0;
  inString = false;
  /** Where the last `scan` stopped: after the value, or at the byte that failed. */
  at = 0;

  private expect: Expect = Expect.Value;
  private isKey = false;
  private escaped = false;
  private inWord = false;
  /** For each open list or object, 1 for an object. */
  private stack = new Uint8Array(64);

  /** Resets it for another value. */
  reset(): void {
    this.depth = 0;
    this.expect = Expect.Value;
    this.inString = this.isKey = this.escaped = this.inWord = false;
  }

  /** Continues the value. Skips whitespace before it. */
  scan(bytes: Uint8Array, from: number): Scan {
    const { length } = bytes;
    let i = from;
    while (i < length) {
      const byte = bytes[i]!;
      if (this.inString) {
        if (this.escaped) this.escaped = false;
        else if (byte === 0x5c) this.escaped = true;
        else if (byte === 0x22) {
          this.inString = false;
          if (this.ended()) return this.stop(i + 1, 'done');
        } else if (byte < 0x20) return this.stop(i, 'failed');
        else {
          // Fast path for the inside of a string.
          do i++;
          while (i < length && bytes[i]! !== 0x22 && bytes[i]! !== 0x5c && bytes[i]! >= 0x20);
          continue;
        }
        i++;
        continue;
      }
      if (this.inWord) {
        if (isWord(byte)) {
          i++;
          continue;
        }
        this.inWord = false;
        if (this.ended()) return this.stop(i, 'done');
      }
      if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
        i++;
        continue;
      }
      if (!this.mark(byte)) return this.stop(i, 'failed');
      i++;
      if (this.depth === 0 && this.expect === Expect.Comma) return this.stop(i, 'done');
    }
    return this.stop(i, 'more');
  }

  /** Whether the value is complete at the end of the file: only a bare word ends there. */
  end(): boolean {
    return this.inWord && this.depth === 0;
  }

  private stop(at: number, scan: Scan): Scan {
    this.at = at;
    return scan;
  }

  /** After a string or a word. True if it was the whole value. */
  private ended(): boolean {
    this.expect = this.isKey ? Expect.Colon : Expect.Comma;
    this.isKey = false;
    return this.depth === 0;
  }

  /** Takes a byte between values; false if the grammar does not allow it there. */
  private mark(byte: number): boolean {
    const { expect } = this;
    switch (byte) {
      case 0x7b:
      case 0x5b:
        if (expect !== Expect.Value && expect !== Expect.Item) return false;
        this.open(byte === 0x7b);
        return true;
      case 0x7d:
        return (expect === Expect.Key || expect === Expect.Comma) && this.close(1);
      case 0x5d:
        return (expect === Expect.Item || expect === Expect.Comma) && this.close(0);
      case 0x2c:
        if (expect !== Expect.Comma || this.depth === 0) return false;
        this.expect = this.stack[this.depth - 1] === 1 ? Expect.NextKey : Expect.Value;
        return true;
      case 0x3a:
        if (expect !== Expect.Colon) return false;
        this.expect = Expect.Value;
        return true;
      case 0x22:
        if (expect === Expect.Colon || expect === Expect.Comma) return false;
        this.isKey = expect === Expect.Key || expect === Expect.NextKey;
        this.inString = true;
        return true;
      default:
        if ((expect !== Expect.Value && expect !== Expect.Item) || !isWord(byte)) return false;
        this.inWord = true;
        return true;
    }
  }

  private open(isObject: boolean): void {
    if (this.depth === this.stack.length) {
      const stack = new Uint8Array(this.depth * 2);
      stack.set(this.stack);
      this.stack = stack;
    }
    this.stack[this.depth++] = isObject ? 1 : 0;
    this.expect = isObject ? Expect.Key : Expect.Item;
  }

  private close(kind: 0 | 1): boolean {
    if (this.depth === 0 || this.stack[this.depth - 1] !== kind) return false;
    this.depth--;
    this.expect = Expect.Comma;
    return true;
  }
}

/** Letters, digits and signs of numbers and words. */
function isWord(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    byte === 0x2d ||
    byte === 0x2b ||
    byte === 0x2e
  );
}
