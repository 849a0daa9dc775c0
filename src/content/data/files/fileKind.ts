import { GraftError } from '../../../base/lib/errors.ts';
import { dialectOf, recordsOf, type CsvDialect } from './csvRows.ts';
import { hasPair, ROW_FIELDS } from './fieldNames.ts';
import { JsonScanner } from './jsonScanner.ts';
import type { ParseLog } from './jsonRow.ts';
import { readLines, type Line } from './lines.ts';

/** The file types that can be read. */
export type FileKind = 'jsonl' | 'json' | 'csv' | 'txt' | 'parquet';

/** The content of a text file: JSON by how it starts, a table with its dialect, or text. */
export type DetectedContent =
  | { kind: 'object' }
  | { kind: 'list' }
  | { kind: 'lines' }
  | { kind: 'csv'; dialect: CsvDialect }
  | { kind: 'txt' };

const KINDS: Record<string, FileKind> = {
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  jsonlines: 'jsonl',
  jl: 'jsonl',
  json: 'json',
  csv: 'csv',
  tsv: 'csv',
  tab: 'csv',
  parquet: 'parquet',
  pq: 'parquet',
  txt: 'txt',
  text: 'txt',
  md: 'txt',
  markdown: 'txt',
  rst: 'txt',
  tex: 'txt',
  log: 'txt',
};

const SAMPLED_LINES = 100;
const OPEN_OBJECT = 0x7b;
const OPEN_LIST = 0x5b;

/** The types that a file name suggests, the last extension first: text, then JSONL for `train.jsonl.txt`. */
export function kindsOfName(name: string): FileKind[] {
  const extensions = name.toLowerCase().split(/[/\\]/).at(-1)!.split('.').slice(1).reverse();
  return extensions.flatMap((extension) => (Object.hasOwn(KINDS, extension) ? [KINDS[extension]!] : []));
}

/**
 * Determines a text file's type from its content, and from its name where the content is ambiguous. JSON is recognized
 * under any name except a text file's, where nearly all of the content must be JSON. A table in a text file needs
 * `.csv` in its name too, or known column names.
 * Throws `data.kind_unclear`, `data.parquet_invalid` (for a file with that extension but other content).
 * @param head the first bytes in UTF-8, without the BOM
 * @param whole whether the head is the whole file
 */
export async function contentOf(head: Uint8Array, whole: boolean, log: ParseLog): Promise<DetectedContent> {
  const lines = await linesOf(head, whole);
  const named = kindsOfName(log.file);
  const saysJson = named.includes('json') || named.includes('jsonl');
  const first = head.find((byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d);
  if (first === undefined) return { kind: 'lines' };
  if (first === OPEN_OBJECT || first === OPEN_LIST) {
    const mayBeOther = named[0] === 'txt' || named[0] === 'csv';
    if (saysJson || !mayBeOther || isJson(head, first, lines)) return jsonContent(first, lines);
  }
  const tabs = /\.(?:tsv|tab)\b/i.test(log.file) ? '\t' : undefined;
  const dialect = () => dialectOf(lines, log, tabs);
  if (named.includes('csv')) return { kind: 'csv', dialect: dialect() };
  if (isTable(lines, dialect(), log)) return { kind: 'csv', dialect: dialect() };
  if (named[0] === 'txt') return { kind: 'txt' };
  if (saysJson) return { kind: 'lines' };
  const { file } = log;
  if (named[0] === 'parquet') {
    throw new GraftError('data.parquet_invalid', { file, detail: 'it does not start with PAR1' });
  }
  throw new GraftError('data.kind_unclear', { file });
}

/** The complete lines in the head of a file. */
async function linesOf(head: Uint8Array, whole: boolean): Promise<Line[]> {
  const chunks = (async function* () {
    yield await Promise.resolve({ offset: 0, chunk: head });
  })();
  const lines: Line[] = [];
  for await (const some of readLines(chunks)) lines.push(...some);
  if (!whole && lines.length > 1) lines.pop();
  return lines.slice(0, SAMPLED_LINES);
}

function jsonContent(first: number, lines: readonly Line[]): DetectedContent {
  if (first === OPEN_OBJECT) return { kind: 'object' };
  // A file with a list on each line is not a list of rows: its rows are lists.
  const [one, two] = lines.filter(({ bytes }) => !isBlank(bytes)).map(({ bytes }) => parsed(bytes));
  return Array.isArray(one) && Array.isArray(two) ? { kind: 'lines' } : { kind: 'list' };
}

/** Whether content that starts like JSON is JSON: the whole head, or nearly all of its lines. */
function isJson(head: Uint8Array, first: number, lines: readonly Line[]): boolean {
  if (first === OPEN_LIST) {
    const start = head.indexOf(OPEN_LIST) + 1;
    const inner = head.subarray(start).find((byte) => byte > 0x20);
    return (inner === OPEN_OBJECT || inner === OPEN_LIST) && isAllJson(head, first);
  }
  if (isAllJson(head, first)) return true;
  const rows = lines.filter(({ bytes }) => !isBlank(bytes));
  const objects = rows.filter(({ bytes }) => bytes![0] === OPEN_OBJECT && parsed(bytes) !== undefined);
  return objects.length > 1 && objects.length * 10 >= rows.length * 8;
}

/** Whether the head is JSON objects (or lists) one after another; the last may be incomplete. */
function isAllJson(head: Uint8Array, first: number): boolean {
  const scanner = new JsonScanner();
  for (let at = spaceEnd(head, 0); at < head.length; at = spaceEnd(head, scanner.at)) {
    if (head[at] !== first) return false;
    scanner.reset();
    const scan = scanner.scan(head, at);
    if (scan !== 'done') return scan === 'more';
  }
  return true;
}

function spaceEnd(bytes: Uint8Array, at: number): number {
  let end = at;
  while (end < bytes.length && bytes[end]! <= 0x20) end++;
  return end;
}

/** Whether lines under an unspecific name are a table: known columns, and the same number of cells in each line. */
function isTable(lines: readonly Line[], { delimiter, skipsFirst }: CsvDialect, log: ParseLog): boolean {
  const [header, ...records] = recordsOf(skipsFirst ? lines.slice(1) : lines, delimiter, log);
  if (!header || header.cells.length < 2 || records.length === 0) return false;
  const names = header.cells.map((cell) => cell.trim().toLowerCase());
  if (!names.every((name) => /^[\p{L}_][\p{L}\p{N}_ .-]{0,40}$|^$/u.test(name))) return false;
  const known = names.filter((name) => ROW_FIELDS.has(name));
  const turns = ['messages', 'conversations'].some((name) => names.includes(name));
  if (!hasPair((name) => names.includes(name)) && known.length < 2 && !turns) return false;
  return records.every(({ cells }) => cells.length === names.length);
}

function isBlank(bytes: Uint8Array | null): boolean {
  return bytes?.every((byte) => byte === 0x20 || byte === 0x09) ?? false;
}

function parsed(bytes: Uint8Array | null): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes ?? new Uint8Array(0)));
  } catch {
    return undefined;
  }
}
