import type { JsonCursor, RawValue } from './jsonCursor.ts';

/** One element of a JSON array, or one value of an object with its key. */
export interface Member {
  /** Null in an array, and where an object has no valid key. */
  key: string | null;
  value: RawValue;
  /** The comma between it and the previous member is missing. */
  missingComma: boolean;
}

/** What follows the last member: the closing bracket, or the end of the file, in or after the member at `line`. */
export type MembersEnd = { end: 'closed' } | { end: 'unclosed'; line: number; last: number };

const COMMA = 0x2c;
const QUOTE = 0x22;
const COLON = 0x3a;
const CLOSE_LIST = 0x5d;
const CLOSE_OBJECT = 0x7d;

/**
 * Splits a JSON array or object into its members' bytes, each with the line where it starts, without parsing them and
 * without holding more than one. The cursor is before the opening bracket at first, and after the closing one at the
 * end.
 */
export async function* readMembers(cursor: JsonCursor): AsyncGenerator<Member, MembersEnd> {
  const isObject = (await cursor.peek()) === 0x7b;
  const close = isObject ? CLOSE_OBJECT : CLOSE_LIST;
  cursor.skip();
  // The previous token: a separating comma, a value, or a broken value, which may have swallowed its comma.
  let before: 'start' | 'comma' | 'value' | 'broken' = 'start';
  let { line: last } = cursor;
  for (;;) {
    const byte = await cursor.peek();
    if (byte < 0) return { end: 'unclosed', line: cursor.line, last };
    if (byte === close) {
      if (before === 'comma') yield nothing(cursor);
      cursor.skip();
      return { end: 'closed' };
    }
    if (byte === COMMA) {
      if (before === 'start' || before === 'comma') yield nothing(cursor);
      cursor.skip();
      before = 'comma';
      continue;
    }
    last = cursor.line;
    const { offset } = cursor;
    const key = isObject && byte === QUOTE ? keyOf(await cursor.value()) : null;
    if (key !== null && (await cursor.peek()) === COLON) cursor.skip();
    const value = await cursor.value();
    if (value.cut) return { end: 'unclosed', line: cursor.line, last };
    yield { key, value, missingComma: before === 'value' };
    // An unmatched closing bracket.
    if (cursor.offset === offset) cursor.skip();
    before = value.sound ? 'value' : 'broken';
  }
}

/** A problem with what is between two commas, or before the end. */
function nothing(cursor: JsonCursor): Member {
  const { line, offset } = cursor;
  return {
    key: null,
    value: { line, offset, bytes: new Uint8Array(0), sound: false, cut: false },
    missingComma: false,
  };
}

function keyOf({ bytes }: RawValue): string | null {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes ?? new Uint8Array(0))) as string;
  } catch {
    return null;
  }
}
