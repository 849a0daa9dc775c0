import { parseJson } from './exactJson.ts';
import { isTurn, TURN_FIELDS } from './fieldNames.ts';
import { jsonProblem } from './jsonProblem.ts';
import { shapeOf } from './jsonShape.ts';
import { MAX_ROW_BYTES, type RawRow } from './lines.ts';
import type { Encoding } from './encoding.ts';
import { ProblemLog } from './problems.ts';
import { kindName, type Row } from './row.ts';
import { decodeUtf8, encodingHint, firstInvalidUtf8 } from './utf8.ts';

/** Maximum nesting of objects and arrays in a row. Deeper ones would overflow the stack of recursive code. */
export const MAX_DEPTH = 128;

/** Problems of a file while it is read. */
export class ParseLog extends ProblemLog {
  constructor(
    file: string,
    strict: boolean | undefined,
    readonly encoding: Encoding,
  ) {
    super(file, strict);
  }

  /** A log that is discarded, for trying out file types. */
  silent(): ParseLog {
    return new ParseLog(this.file, false, this.encoding);
  }
}

/** The text of a line or of a JSON value; null if it cannot be decoded, which adds a problem to `log`. */
export function decodeRow({ line, offset, bytes }: RawRow, log: ParseLog): string | null {
  if (bytes === null) {
    log.add(line, 'data.line_too_long', { limit: MAX_ROW_BYTES / 2 ** 20 });
    return null;
  }
  const text = decodeUtf8(bytes);
  if (text !== null) return text;
  // Its characters were read from two or four bytes each, so invalid UTF-8 means a lone surrogate.
  if (log.encoding !== 'utf-8') log.add(line, 'data.bad_utf16');
  else {
    const at = offset + Math.max(0, firstInvalidUtf8(bytes));
    log.add(line, 'data.bad_utf8', { offset: at, hint: encodingHint(bytes) });
  }
  return null;
}

/** A JSON value in a box; null if it cannot be parsed, which adds a problem to `log`. */
export function jsonValue(raw: RawRow, log: ParseLog): { value: unknown } | null {
  const text = decodeRow(raw, log);
  return text === null ? null : parsedText(text, raw, log);
}

/**
 * Like {@link jsonValue}, for decoded text.
 * @param otherwise called with text that is not JSON, instead of adding to `log`
 */
export function parsedText(
  text: string,
  { line, bytes }: RawRow,
  log: ParseLog,
  otherwise?: () => void,
): { value: unknown } | null {
  const { depth, losesNumbers } = shapeOf(bytes ?? new TextEncoder().encode(text));
  if (depth > MAX_DEPTH) {
    log.add(line, 'data.too_deep', { limit: MAX_DEPTH }, { text });
    return null;
  }
  try {
    return { value: parseJson(text, losesNumbers) };
  } catch (error) {
    if (otherwise) otherwise();
    else {
      const { code, params } = jsonProblem(text, error);
      log.add(line, code, params, { cause: error, text });
    }
    return null;
  }
}

/** A JSON value as a row; null if it is not an object, which adds a problem to `log`. */
export function objectRow(value: unknown, line: number, log: ParseLog, text?: string): Row | null {
  if (!isObject(value)) {
    log.add(line, 'data.row_not_object', { found: kindName(value) }, text === undefined ? {} : { text });
    return null;
  }
  return { line, value: withTurnsAsLists(value) };
}

/**
 * Some tools write a list of turns as an object of lists, `{from: [...], value: [...]}`; in fields that hold turns, it
 * is converted to the list of objects. Nulls in such a table mean that a turn lacks the field.
 */
export function withTurnsAsLists(row: Record<string, unknown>): Record<string, unknown> {
  let changed: Record<string, unknown> | null = null;
  for (const name of Object.keys(row)) {
    if (!TURN_FIELDS.has(name)) continue;
    const turns = turnsOf(row[name]);
    // A copy, so the parsed value is not changed.
    if (turns) (changed ??= { ...row })[name] = turns;
  }
  return changed ?? row;
}

function turnsOf(value: unknown): object[] | null {
  if (!isObject(value)) return null;
  const columns = Object.entries(value);
  if (!isTurn(columns.map(([name]) => name))) return null;
  const lists = columns.filter(([, list]) => list !== null);
  if (!lists.every((column): column is [string, unknown[]] => Array.isArray(column[1]))) return null;
  const length = (lists[0]![1] as unknown[]).length;
  if (lists.some(([, list]) => (list as unknown[]).length !== length)) return null;
  return Array.from({ length }, (_, at) =>
    Object.fromEntries(
      lists.flatMap(([name, list]) => {
        const cell = (list as unknown[])[at];
        return cell === null || cell === undefined ? [] : [[name, cell]];
      }),
    ),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Number);
}
