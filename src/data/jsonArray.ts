import type { ByteSource } from '../storage/types.ts';
import { readChunks, RowBuffer, type RawRow } from './jsonLines.ts';

/** What follows the last element of a JSON array. */
export type ArrayEnd = { end: 'closed' } | { end: 'unclosed' | 'trailing'; line: number };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN = new Set([0x5b, 0x7b]);
const CLOSE = new Set([0x5d, 0x7d]);

/**
 * Splits a JSON array into its elements' bytes, each with the line where it starts, without parsing them and
 * without holding more than one element. `from` is the offset of the array's `[`. Returns how the array ended.
 */
export async function* readArrayElements(
  source: ByteSource,
  from: number,
  onProgress?: (done: number, total: number) => void,
): AsyncGenerator<RawRow, ArrayEnd> {
  const row = new RowBuffer();
  let line = 1;
  let depth = 0;
  let inString = false;
  let escaped = false;
  /** Place of the current element's first byte; null between elements. */
  let first: { line: number; offset: number } | null = null;
  let anyElement = false;
  let closed = false;

  for await (const { offset, chunk } of readChunks(source, from, onProgress)) {
    let at = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] as number;
      if (byte === 0x0a) line++;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
        continue;
      }
      if (isSpace(byte)) continue;
      if (closed) return { end: 'trailing', line };
      if (depth === 0) {
        // The caller saw the '[' here.
        depth = 1;
        at = i + 1;
        continue;
      }
      const ends = depth === 1 && (byte === COMMA || byte === 0x5d);
      if (ends) {
        const isLastOfEmpty = byte === 0x5d && first === null && !anyElement;
        if (!isLastOfEmpty) {
          row.append(chunk.subarray(at, i));
          const place = first ?? { line, offset: offset + i };
          yield { ...place, bytes: row.take() };
        }
        anyElement = true;
        first = null;
        at = i + 1;
        if (byte === 0x5d) closed = true;
        continue;
      }
      if (first === null) {
        first = { line, offset: offset + i };
        // White space before the element is not part of it.
        row.take();
        at = i;
      }
      if (byte === QUOTE) inString = true;
      else if (OPEN.has(byte)) depth++;
      else if (CLOSE.has(byte) && depth > 1) depth--;
    }
    if (!closed && first !== null) row.append(chunk.subarray(at));
  }
  return closed ? { end: 'closed' } : { end: 'unclosed', line };
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
