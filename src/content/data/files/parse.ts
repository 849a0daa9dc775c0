import { GraftError } from '../../../base/lib/errors.ts';
import { sniff } from '../../../base/lib/sniff.ts';
import type { ByteSource } from '../../../base/storage/types.ts';
import { binaryKind } from './binaryKind.ts';
import { csvRows } from './csvRows.ts';
import {
  chosenEncoding,
  detectEncoding,
  encodingOf,
  textSource,
  type Encoding,
  type TextSource,
} from './encoding.ts';
import { contentOf, kindsOfName, type FileKind } from './fileKind.ts';
import { JsonCursor } from './jsonCursor.ts';
import { pathOf, planOf, type DocumentPlan } from './jsonDocument.ts';
import { JsonLines } from './jsonLines.ts';
import { outlineOf } from './jsonOutline.ts';
import { jsonValue, objectRow, ParseLog } from './jsonRow.ts';
import { listRows, tableRows } from './jsonTables.ts';
import { readLines, type Line } from './lines.ts';
import { parquetRows } from './parquetRows.ts';
import type { Problem } from './problems.ts';
import type { Row } from './row.ts';
import { TextRows } from './textRows.ts';

export type { Row } from './row.ts';
export { MAX_DEPTH } from './jsonRow.ts';

/** The rows of a data file, and the problems of those that were left out. */
export interface ParsedDataset {
  /** The file's name, for messages. */
  name: string;
  /** The file type it was read as. */
  kind: FileKind;
  /** `content` if the type comes from the content, because the name gives none or another one. */
  kindFrom?: 'name' | 'content';
  /** The character encoding; UTF-8 for Parquet. */
  encoding?: Encoding;
  /** For a JSON object, the path of the list of rows, such as `data` or `data.train`. */
  rowsField?: string;
  /** Paths of other lists of objects in it, which are not read: `validation`, `test`. */
  otherRowsFields?: string[];
  rows: Row[];
  /** Problems with line numbers; at most the first 1000. */
  problems: Problem[];
  /** Total number of problems; each one dropped a row. */
  problemCount: number;
}

export interface ParseOptions {
  /** Throw on the first problem instead of dropping its row. */
  strict?: boolean;
  /**
   * Path of the list of rows in a file that is one JSON object, such as `data` or `data.train`; detected by default.
   */
  rowsField?: string;
  /** The character encoding; detected by default. */
  encoding?: Encoding;
}

type Progress = (done: number, total: number) => void;
/** The detected structure of a file. */
type Found = Pick<ParsedDataset, 'kind' | 'rowsField' | 'otherRowsFields'>;

const HEAD_BYTES = 256 * 1024;
const PARQUET_ROWS = 1024;

/**
 * Reads a dataset by its content, whatever its name: consecutive JSON objects (one per line, or pretty-printed), a JSON
 * array, a JSON object that holds rows in a field or column by column, CSV or TSV, Parquet, or plain text; see
 * {@link contentOf}. Text may be Unicode or in one of the older encodings; see {@link detectEncoding}. Streams the file. No line is silently changed or dropped:
 * unusable ones are in `problems` with their line numbers.
 * Throws `data.empty_file`, `data.not_text`, `data.encoding_unclear`, `data.kind_unclear`, `data.no_valid_rows`, `data.parquet_invalid`,
 * `data.rows_field_unclear`, `data.rows_field_missing`, `storage.lfs_pointer`, `storage.html_page`; in strict mode any
 * problem.
 */
export async function parseDataset(
  source: ByteSource,
  onProgress?: Progress,
  options: ParseOptions = {},
): Promise<ParsedDataset> {
  const batches = rowBatches(source, onProgress, options);
  const rows: Row[] = [];
  for (;;) {
    const next = await batches.next();
    if (next.done) return { ...next.value, rows };
    // Not a spread: a batch has more rows than a call may have arguments.
    for (const row of next.value) rows.push(row);
  }
}

/**
 * The rows of {@link parseDataset} as they are read, and then what it says of the file. Of lines of JSON, CSV and Parquet
 * no more are in memory than were read at once; a JSON array or object and plain text are one batch.
 */
export async function* rowBatches(
  source: ByteSource,
  onProgress?: Progress,
  options: ParseOptions = {},
): AsyncGenerator<Row[], Omit<ParsedDataset, 'rows'>, void> {
  const file = source.name;
  if (source.size === 0) throw new GraftError('data.empty_file', { file });
  const head = await source.read(0, Math.min(HEAD_BYTES, source.size));
  const isParquet = isParquetHead(head);
  if (!isParquet) refuseOther(head, file, encodingOf(head).encoding !== 'utf-8');
  const found = isParquet
    ? null
    : options.encoding
      ? chosenEncoding(head, options.encoding)
      : await detectEncoding(source, head);
  const log = new ParseLog(file, options.strict, found?.encoding ?? 'utf-8');
  const batches = found
    ? textRows(textSource(source, found), log, options, onProgress)
    : parquetBatches(source, onProgress);
  let count = 0;
  let next = await batches.next();
  for (; !next.done; next = await batches.next()) {
    if (next.value.length === 0) continue;
    count += next.value.length;
    yield next.value;
  }
  const read = next.value;
  if (options.rowsField !== undefined && read.rowsField === undefined) {
    throw new GraftError('data.rows_field_missing', { file, field: options.rowsField, fields: 'none' });
  }

  if (count === 0) {
    const first = log.problems[0]?.message;
    if (first === undefined) throw new GraftError('data.empty_file', { file });
    throw new GraftError('data.no_valid_rows', { file, count: log.count, first });
  }
  const kindFrom = kindsOfName(file)[0] === read.kind ? 'name' : 'content';
  const { encoding, problems, count: problemCount } = log;
  return { name: file, ...read, kindFrom, encoding, problems, problemCount };
}

/** Whether a file begins as a Parquet file does. */
export function isParquetHead(head: Uint8Array): boolean {
  return [0x50, 0x41, 0x52, 0x31].every((byte, i) => head[i] === byte);
}

/** Rows as they are read, and then the structure of the file. */
type FoundRows = AsyncGenerator<Row[], Found, void>;

async function* parquetBatches(source: ByteSource, onProgress?: Progress): FoundRows {
  const rows: Row[] = [];
  for await (const row of parquetRows(source, onProgress)) {
    rows.push(row);
    if (rows.length === PARQUET_ROWS) yield rows.splice(0);
  }
  yield rows;
  return { kind: 'parquet' };
}

async function* textRows(
  text: TextSource,
  log: ParseLog,
  options: ParseOptions,
  onProgress?: Progress,
): FoundRows {
  const { head, whole } = await headOf(text);
  const content = await contentOf(head, whole, log);
  const rows: Row[] = [];
  const lines = () => readLines(text.chunks(0, onProgress));
  switch (content.kind) {
    case 'txt': {
      const reader = new TextRows(log);
      for await (const some of lines()) for (const line of some) reader.push(line);
      yield reader.rows();
      return { kind: 'txt' };
    }
    case 'csv': {
      yield* pushedRows(lines(), csvRows(content.dialect, log, rows), rows);
      return { kind: 'csv' };
    }
    case 'list': {
      const cursor = new JsonCursor(text.chunks(0, onProgress));
      await listRows(cursor, log, rows);
      if ((await cursor.peek()) >= 0) log.add(cursor.line, 'data.after_array');
      yield rows;
      return { kind: 'json' };
    }
    case 'object':
      return yield* objectRows(text, log, options, onProgress, lines);
    case 'lines': {
      yield* pushedRows(lines(), new JsonLines(log, rows), rows);
      return { kind: 'jsonl' };
    }
  }
}

/** What a reader makes of lines. @param rows where it puts them */
async function* pushedRows(
  lines: AsyncIterable<Line[]>,
  reader: { push(line: Line): void; end(): void },
  rows: Row[],
): AsyncGenerator<Row[], void, void> {
  for await (const some of lines) {
    for (const line of some) reader.push(line);
    yield rows.splice(0);
  }
  reader.end();
  yield rows;
}

/** Rows of a file that starts with a JSON object. */
async function* objectRows(
  text: TextSource,
  log: ParseLog,
  { rowsField }: ParseOptions,
  onProgress: Progress | undefined,
  lines: () => AsyncIterable<Line[]>,
): FoundRows {
  const rows: Row[] = [];
  const outlined = new JsonCursor(text.chunks(0));
  await outlined.peek();
  const start = { offset: outlined.offset, line: outlined.line };
  const outline = await outlineOf(outlined);
  await outlined.close();
  const plan: DocumentPlan = planOf(outline, log.file, rowsField);
  const cursorAt = (position: { offset: number; line: number }) =>
    new JsonCursor(text.chunks(position.offset, onProgress), position.line);
  switch (plan.kind) {
    case 'lines': {
      yield* pushedRows(lines(), new JsonLines(log, rows), rows);
      return { kind: 'jsonl' };
    }
    case 'one': {
      const raw = await cursorAt(start).value();
      const value = jsonValue(raw, log);
      const row = value && objectRow(value.value, raw.line, log);
      if (row) yield [row];
      const isJson = outline.spansLines || kindsOfName(log.file)[0] === 'json';
      return { kind: isJson ? 'json' : 'jsonl' };
    }
    case 'list': {
      const { field, others } = plan;
      await listRows(cursorAt(field), log, rows);
      yield rows;
      return {
        kind: 'json',
        rowsField: pathOf(field),
        ...(others.length > 0 && { otherRowsFields: others }),
      };
    }
    default: {
      await tableRows(plan, cursorAt, start, log, rows);
      yield rows;
      if (plan.kind !== 'columns' || !plan.field) return { kind: 'json' };
      const { field, others = [] } = plan;
      return {
        kind: 'json',
        rowsField: pathOf(field),
        ...(others.length > 0 && { otherRowsFields: others }),
      };
    }
  }
}

/** The first bytes of a file's text, and whether they are the whole text. */
async function headOf(text: TextSource): Promise<{ head: Uint8Array; whole: boolean }> {
  let head = new Uint8Array(0);
  for await (const { chunk } of text.chunks(0)) {
    if (head.length > 0) return { head, whole: false };
    head = chunk.slice(0, HEAD_BYTES);
    if (chunk.length > HEAD_BYTES) return { head, whole: false };
  }
  return { head, whole: true };
}

/** Throws for files that are not data: archives, images, web pages, Git LFS pointers. */
function refuseOther(head: Uint8Array, file: string, isWide: boolean): void {
  const found = sniff(head);
  // A text file may legitimately start like a web page.
  const isText = kindsOfName(file)[0] === 'txt';
  const pointer =
    found === 'lfs_pointer' && (!isText || /\noid sha256:/.test(new TextDecoder().decode(head)));
  if (pointer || (found === 'html_page' && !isText)) throw new GraftError(`storage.${found}`, { file });
  const kind = binaryKind(head, isWide);
  if (kind !== undefined) throw new GraftError('data.not_text', { file, kind });
}
