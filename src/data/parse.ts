import { GraftError, messageOf, type ErrorParams } from '../lib/errors.ts';
import { sniff } from '../lib/sniff.ts';
import type { ByteSource } from '../storage/types.ts';
import { csvRows } from './csvRows.ts';
import { readArrayElements } from './jsonArray.ts';
import { MAX_ROW_BYTES, readLines, type RawRow } from './jsonLines.ts';
import { parquetRows } from './parquetRows.ts';
import { ProblemLog, type Problem } from './problems.ts';
import { kindName, type Row } from './row.ts';
import { textRows } from './textRows.ts';
import { decodeUtf8, encodingHint, firstInvalidUtf8 } from './utf8.ts';

export type { Row } from './row.ts';

/** A data file's rows, and the rows that were left out because of a problem. */
export interface ParsedDataset {
  /** The file's name, for messages. */
  name: string;
  kind: 'jsonl' | 'json' | 'csv' | 'txt' | 'parquet';
  rows: Row[];
  /** Problems by line; at most the first 1000. */
  problems: Problem[];
  /** How many problems there were in all; each left one row out. */
  problemCount: number;
}

export interface ParseOptions {
  /** Throw the first problem instead of leaving its row out. */
  strict?: boolean;
}

/** Deepest nesting of objects and arrays in a row. Deeper ones would overflow the stack of whatever walks them. */
export const MAX_DEPTH = 128;

/**
 * Reads a dataset: JSONL (a JSON object a line), a JSON array of objects, CSV or TSV, Parquet, or plain text (`.txt`). Streams; a line
 * is never silently changed or dropped: what can't be used is in `problems` by line number. A leading BOM, CRLF,
 * empty lines and a missing final line end are accepted.
 * Throws `data.empty_file`, `data.not_text`, `data.bad_utf8` (UTF-16), `data.no_valid_rows`,
 * `data.parquet_invalid`,
 * `storage.lfs_pointer`, `storage.html_page`; in strict mode any problem.
 */
export async function parseDataset(
  source: ByteSource,
  onProgress?: (done: number, total: number) => void,
  options: ParseOptions = {},
): Promise<ParsedDataset> {
  const file = source.name;
  if (source.size === 0) throw new GraftError('data.empty_file', { file });
  const head = await source.read(0, Math.min(4096, source.size));
  refuseOther(head, file);
  const from = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;

  const log = new ProblemLog(file, options.strict);
  const rows: Row[] = [];
  const kind = kindOf(file, head.subarray(from));
  if (kind === 'txt') {
    for (const row of await textRows(readLines(source, from, onProgress), (raw) => decode(raw, log)))
      rows.push(row);
  } else if (kind === 'parquet') {
    for await (const row of parquetRows(source, log, onProgress)) rows.push(row);
  } else if (kind === 'csv') {
    const lines = readLines(source, from, onProgress);
    for await (const row of csvRows(lines, (raw) => decode(raw, log), log)) rows.push(row);
  } else if (kind === 'jsonl') {
    for await (const raw of readLines(source, from, onProgress)) {
      const row = toRow(raw, log, true);
      if (row) rows.push(row);
    }
  } else {
    const elements = readArrayElements(source, from, onProgress);
    let next = await elements.next();
    for (; !next.done; next = await elements.next()) {
      const row = toRow(next.value, log, false);
      if (row) rows.push(row);
    }
    if (next.value.end === 'unclosed') log.add(next.value.line, 'data.array_unclosed');
    if (next.value.end === 'trailing') log.add(next.value.line, 'data.after_array');
  }

  if (rows.length === 0) {
    const first = log.kept[0]?.message;
    if (first === undefined) throw new GraftError('data.empty_file', { file });
    throw new GraftError('data.no_valid_rows', { file, count: log.count, first });
  }
  return { name: file, kind, rows, problems: log.kept, problemCount: log.count };
}

function kindOf(name: string, head: Uint8Array): ParsedDataset['kind'] {
  if (startsWith(head, PARQUET)) return 'parquet';
  if (isText(name)) return 'txt';
  if (/\.(csv|tsv)$/i.test(name)) return 'csv';
  for (const byte of head) {
    if (byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d) continue;
    return byte === 0x5b ? 'json' : 'jsonl';
  }
  return 'jsonl';
}

function isText(name: string): boolean {
  return /\.(txt|text|md)$/i.test(name);
}

/** Parses one row; null when it is blank (`skipBlank`) or has a problem, which is then in `log`. */
function toRow(raw: RawRow, log: ProblemLog, skipBlank: boolean): Row | null {
  const { line } = raw;
  const text = decode(raw, log);
  if (text === null || (skipBlank && text.trim() === '')) return null;
  // A short row can't be deep.
  if (text.length > MAX_DEPTH && raw.bytes !== null && depthOf(raw.bytes) > MAX_DEPTH) {
    log.add(line, 'data.too_deep', { limit: MAX_DEPTH }, { text });
    return null;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    log.add(line, 'data.invalid_json', { detail: messageOf(error) }, { cause: error, text });
    return null;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    log.add(line, 'data.row_not_object', { found: kindName(value) }, { text });
    return null;
  }
  return { line, value: value as Record<string, unknown> };
}

function decode({ line, offset, bytes }: RawRow, log: ProblemLog): string | null {
  if (bytes === null) {
    log.add(line, 'data.line_too_long', { limit: MAX_ROW_BYTES / 2 ** 20 });
    return null;
  }
  const text = decodeUtf8(bytes);
  if (text === null) {
    const at = offset + Math.max(0, firstInvalidUtf8(bytes));
    log.add(line, 'data.bad_utf8', { offset: at, hint: encodingHint(bytes) });
  }
  return text;
}

/** Deepest nesting of `{` and `[` outside strings. */
function depthOf(json: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < json.length; i++) {
    const byte = json[i];
    if (inString) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return deepest;
}

const MAGIC: { bytes: number[]; kind: string }[] = [
  { bytes: [0x1f, 0x8b], kind: 'gzip-compressed' },
  { bytes: [0x50, 0x4b, 0x03, 0x04], kind: 'a zip archive' },
  { bytes: [0x28, 0xb5, 0x2f, 0xfd], kind: 'zstd-compressed' },
];

const PARQUET = [0x50, 0x41, 0x52, 0x31];

function startsWith(head: Uint8Array, bytes: readonly number[]): boolean {
  return bytes.every((byte, i) => head[i] === byte);
}

function refuseOther(head: Uint8Array, file: string): void {
  // A text file may well begin as a web page does.
  const found = isText(file) ? undefined : sniff(head);
  if (found === 'lfs_pointer' || found === 'html_page') throw new GraftError(`storage.${found}`, { file });
  for (const { bytes, kind } of MAGIC) {
    if (startsWith(head, bytes)) throw new GraftError('data.not_text', { file, kind });
  }
  const utf16 = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
  if (utf16) {
    const params: ErrorParams = { file, line: 1, offset: 0, hint: '; it looks like UTF-16' };
    throw new GraftError('data.bad_utf8', params);
  }
}
