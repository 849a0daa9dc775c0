/** One line of a file, element of a JSON array or the like, as bytes without its line ending. */
export interface RawRow {
  /** Line number where it starts, from 1. */
  line: number;
  /** Byte offset of its first byte, in UTF-8. */
  offset: number;
  /** Null if longer than {@link MAX_ROW_BYTES}: it is skipped without being held in memory. */
  bytes: Uint8Array | null;
}

/** A line with its line ending, which is empty only at the end of the file. */
export interface Line extends RawRow {
  end: '\n' | '\r\n' | '\r' | '';
}

/** A chunk of a file's UTF-8 text, and its offset. */
export interface Chunk {
  offset: number;
  chunk: Uint8Array;
}

/** Maximum length of a row, in bytes. */
export const MAX_ROW_BYTES = 64 * 1024 * 1024;

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * Splits a file into lines, one array per chunk. LF, CR LF and CR each end a line; the last line needs none. Memory is
 * bounded by one line and one chunk, whatever the file size.
 */
export async function* readLines(chunks: AsyncIterable<Chunk>): AsyncGenerator<Line[]> {
  const row = new RowBuffer();
  let line = 1;
  let start: number | null = null;
  // The chunk ended with CR: an LF may follow.
  let held: Line | null = null;
  for await (const { offset, chunk } of chunks) {
    const lines: Line[] = [];
    let at = 0;
    start ??= offset;
    if (held) {
      if (chunk[0] === NEWLINE) {
        held.end = '\r\n';
        start = offset + ++at;
      }
      lines.push(held);
      held = null;
    }
    let feed = chunk.indexOf(NEWLINE, at);
    let back = chunk.indexOf(RETURN, at);
    while (feed >= 0 || back >= 0) {
      const returns = back >= 0 && (feed < 0 || back < feed);
      const end = returns ? back : feed;
      row.append(chunk.subarray(at, end));
      const next: Line = { line: line++, offset: start, bytes: row.take(), end: returns ? '\r' : '\n' };
      at = end + 1;
      if (returns && chunk[at] === NEWLINE) {
        next.end = '\r\n';
        at++;
      }
      start = offset + at;
      if (returns && at === chunk.length && next.end === '\r') held = next;
      else lines.push(next);
      if (feed >= 0 && feed < at) feed = chunk.indexOf(NEWLINE, at);
      if (returns) back = chunk.indexOf(RETURN, at);
    }
    row.append(chunk.subarray(at));
    if (lines.length > 0) yield lines;
  }
  const last: Line[] = held ? [held] : [];
  if (row.length > 0) last.push({ line, offset: start ?? 0, bytes: row.take(), end: '' });
  if (last.length > 0) yield last;
}

/** Bytes of one row gathered from chunks; beyond the limit they are only counted. */
export class RowBuffer {
  length = 0;
  private parts: Uint8Array[] = [];

  append(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.length += bytes.length;
    if (this.length <= MAX_ROW_BYTES) this.parts.push(bytes);
    else this.parts = [];
  }

  /** Returns the gathered bytes (null if over the limit) and empties the buffer. */
  take(): Uint8Array | null {
    const { length, parts } = this;
    this.length = 0;
    this.parts = [];
    if (length > MAX_ROW_BYTES) return null;
    if (parts.length === 1) return parts[0] as Uint8Array;
    const whole = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
}
