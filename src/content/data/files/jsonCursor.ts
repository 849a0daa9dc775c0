import { JsonScanner } from './jsonScanner.ts';
import { RowBuffer, type Chunk, type RawRow } from './lines.ts';

/** A value in a JSON file. `sound` is false if its grammar is broken; parsing it gives the reason. */
export interface RawValue extends RawRow {
  sound: boolean;
  /** Whether the file ends inside it. */
  cut: boolean;
}

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;

/** Walks through a JSON file value by value, counting lines, and holds at most one value and one chunk. */
export class JsonCursor {
  /** Line of the next byte, from 1. */
  line: number;
  private readonly chunks: AsyncIterator<Chunk>;
  private chunk: Uint8Array = new Uint8Array(0);
  private base = 0;
  private at = 0;
  private feed = -1;
  private back = -1;
  private endsInReturn = false;
  /** Offset of the first byte of the current line. */
  private lineStart = 0;
  /** Leading whitespace of a line, by the line's offset. */
  private indent = { of: -1, bytes: 0 };
  private readonly scanner = new JsonScanner();

  /** @param line line number of the first chunk, from 1 */
  constructor(chunks: AsyncIterable<Chunk>, line = 1) {
    this.chunks = chunks[Symbol.asyncIterator]();
    this.line = line;
  }

  /** Offset of the next byte. */
  get offset(): number {
    return this.base + this.at;
  }

  /** The next byte that is not whitespace, without consuming it; -1 at the end of the file. */
  async peek(): Promise<number> {
    const from = this.offset;
    for (;;) {
      while (this.at < this.chunk.length) {
        const byte = this.chunk[this.at]!;
        if (byte !== 0x20 && byte !== NEWLINE && byte !== RETURN && byte !== 0x09) {
          if (from <= this.lineStart)
            this.indent = { of: this.lineStart, bytes: this.offset - this.lineStart };
          return byte;
        }
        this.moveTo(this.at + 1);
      }
      if (!(await this.fill())) return -1;
    }
  }

  /** Consumes the byte that {@link peek} returned. */
  skip(): void {
    this.moveTo(this.at + 1);
  }

  /**
   * Reads the value that starts at the next byte that is not whitespace. A value with broken grammar ends where its
   * brackets close, or before a line that starts like its first, so that it damages no other.
   * @param keep whether to return its bytes; otherwise `bytes` is empty
   */
  async value(keep = true): Promise<RawValue> {
    await this.peek();
    const { scanner } = this;
    scanner.reset();
    const start = { line: this.line, offset: this.offset };
    const column = this.indentation();
    const row = new RowBuffer();
    for (;;) {
      const scan = scanner.scan(this.chunk, this.at);
      if (keep) row.append(this.chunk.subarray(this.at, scanner.at));
      this.moveTo(scanner.at);
      if (scan === 'done') return { ...start, bytes: row.take(), sound: true, cut: false };
      if (scan === 'failed') break;
      if (!(await this.fill())) {
        const sound = scanner.end();
        return { ...start, bytes: row.take(), sound, cut: !sound };
      }
    }
    await this.skipBroken(this.line > start.line, column, (bytes) => {
      if (keep) row.append(bytes);
    });
    return { ...start, bytes: row.take(), sound: false, cut: false };
  }

  /** Skips from the byte that broke the grammar to where the value may end. */
  private async skipBroken(
    isLater: boolean,
    column: number,
    append: (bytes: Uint8Array) => void,
  ): Promise<void> {
    let { depth, inString } = this.scanner;
    let escaped = false;
    // The byte that broke the grammar may start the next value.
    let atLineStart = isLater && this.startsLine();
    let over = false;
    while (!over) {
      let i = this.at;
      for (; !over && i < this.chunk.length; i++) {
        const byte = this.chunk[i]!;
        if (byte === NEWLINE || byte === RETURN) {
          inString = escaped = false;
          atLineStart = true;
        } else if (inString) {
          if (escaped) escaped = false;
          else if (byte === BACKSLASH) escaped = true;
          else if (byte === QUOTE) inString = false;
        } else if (byte !== 0x20 && byte !== 0x09) {
          const opens = byte === OPEN_OBJECT || byte === 0x5b;
          const closes = byte === 0x7d || byte === 0x5d;
          if (atLineStart && byte === OPEN_OBJECT && this.columnOf(i) === column) over = true;
          if (depth === 0 && (byte === 0x2c || closes)) over = true;
          if (over) break;
          atLineStart = false;
          if (byte === QUOTE) inString = true;
          else if (opens) depth++;
          else if (closes && --depth === 0) over = true;
        }
      }
      append(this.chunk.subarray(this.at, i));
      this.moveTo(i);
      if (!over && !(await this.fill())) return;
    }
  }

  /** Leading whitespace of the current line; where a value continues there, the column. */
  private indentation(): number {
    return this.indent.of === this.lineStart ? this.indent.bytes : this.offset - this.lineStart;
  }

  /** Whether only whitespace precedes the next byte in its line. */
  private startsLine(): boolean {
    const start = this.lineStart - this.base;
    return start >= 0 && this.chunk.subarray(start, this.at).every((byte) => byte === 0x20 || byte === 0x09);
  }

  /** Column of a byte of the chunk, in bytes after the last line ending before it. */
  private columnOf(index: number): number {
    for (let i = index - 1; i >= this.at; i--) {
      if (this.chunk[i] === NEWLINE || this.chunk[i] === RETURN) return index - i - 1;
    }
    return this.base + index - this.lineStart;
  }

  /** Stops reading. */
  async close(): Promise<void> {
    await this.chunks.return?.();
  }

  /** Reads the next chunk; false at the end of the file. */
  private async fill(): Promise<boolean> {
    for (;;) {
      const next = await this.chunks.next();
      if (next.done) return false;
      if (next.value.chunk.length === 0) continue;
      const { chunk, offset } = next.value;
      if (this.lineStart === 0 && this.base === 0 && this.chunk.length === 0) this.lineStart = offset;
      this.chunk = chunk;
      this.base = offset;
      this.at = 0;
      this.feed = chunk.indexOf(NEWLINE);
      this.back = chunk.indexOf(RETURN);
      // A CR that ended the last chunk is a line ending on its own, unless an LF follows.
      if (this.endsInReturn && this.feed !== 0) this.newLine(0);
      this.endsInReturn = false;
      return true;
    }
  }

  private moveTo(index: number): void {
    const { chunk } = this;
    while (this.feed >= 0 && this.feed < index) {
      this.newLine(this.feed + 1);
      this.feed = chunk.indexOf(NEWLINE, this.feed + 1);
    }
    while (this.back >= 0 && this.back < index) {
      if (this.back === chunk.length - 1) this.endsInReturn = true;
      else if (chunk[this.back + 1] !== NEWLINE) this.newLine(this.back + 1);
      this.back = chunk.indexOf(RETURN, this.back + 1);
    }
    this.at = index;
  }

  private newLine(start: number): void {
    this.line++;
    this.lineStart = Math.max(this.lineStart, this.base + start);
  }
}
