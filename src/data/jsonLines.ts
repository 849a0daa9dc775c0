import type { ByteSource } from '../storage/types.ts';

/** One line of a file, or one element of a JSON array, as bytes without its line end. */
export interface RawRow {
  /** Line where it starts, from 1. */
  line: number;
  /** Byte offset of its first byte in the file. */
  offset: number;
  /** Null when it is longer than {@link MAX_ROW_BYTES}: it is skipped without being held. */
  bytes: Uint8Array | null;
}

/** Longest row that is read, in bytes. */
export const MAX_ROW_BYTES = 64 * 1024 * 1024;

const CHUNK_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** Reads `source` front to back in chunks of at most 1 MiB, from byte `from` on. `onProgress` gets bytes read and size. */
export async function* readChunks(
  source: ByteSource,
  from = 0,
  onProgress?: (done: number, total: number) => void,
): AsyncGenerator<{ offset: number; chunk: Uint8Array }> {
  for (let offset = from; offset < source.size;) {
    const chunk = await source.read(offset, Math.min(CHUNK_BYTES, source.size - offset));
    yield { offset, chunk };
    offset += chunk.length;
    onProgress?.(offset, source.size);
  }
}

/**
 * Splits a file into lines. LF and CRLF both end a line; the last line needs no end. Memory stays at one line
 * and one chunk, whatever the file's size.
 */
export async function* readLines(
  source: ByteSource,
  from = 0,
  onProgress?: (done: number, total: number) => void,
): AsyncGenerator<RawRow> {
  const row = new RowBuffer();
  let line = 1;
  let start = from;
  for await (const { offset, chunk } of readChunks(source, from, onProgress)) {
    let at = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, at)) {
      row.append(chunk.subarray(at, end));
      yield { line, offset: start, bytes: withoutReturn(row.take()) };
      line++;
      at = end + 1;
      start = offset + at;
    }
    row.append(chunk.subarray(at));
  }
  if (row.length > 0) yield { line, offset: start, bytes: withoutReturn(row.take()) };
}

/** Bytes of one row gathered from chunks; past the cap they are only counted. */
export class RowBuffer {
  length = 0;
  private parts: Uint8Array[] = [];

  append(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.length += bytes.length;
    if (this.length <= MAX_ROW_BYTES) this.parts.push(bytes);
    else this.parts = [];
  }

  /** The gathered bytes (null when over the cap); the buffer is empty afterwards. */
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

function withoutReturn(bytes: Uint8Array | null): Uint8Array | null {
  return bytes !== null && bytes[bytes.length - 1] === RETURN ? bytes.subarray(0, -1) : bytes;
}
