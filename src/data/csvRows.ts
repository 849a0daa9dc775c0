import { MAX_ROW_BYTES, type RawRow } from './jsonLines.ts';
import type { ProblemLog } from './problems.ts';
import type { Row } from './row.ts';

/** What may part the cells of a table, the likeliest first. */
const DELIMITERS = [',', '\t', ';', '|'] as const;

/**
 * Rows of a table of text by RFC 4180: the first line names the columns, cells in quotes may hold delimiters, doubled
 * quotes and line breaks. The delimiter is the one that parts the head most often. A cell that is a JSON list under
 * `messages` or `conversations` is read as one. `decode` gives a line's text, or null when the line has a problem.
 * Rows with more or fewer cells than columns are problems by line.
 */
export async function* csvRows(
  lines: AsyncIterable<RawRow>,
  decode: (raw: RawRow) => string | null,
  log: ProblemLog,
): AsyncGenerator<Row> {
  let columns: string[] | null = null;
  let delimiter: string = ',';
  for await (const { line, text } of records(lines, decode, log)) {
    if (!columns) {
      delimiter = delimiterOf(text);
      columns = columnNames(cellsOf(text, delimiter));
      continue;
    }
    const cells = cellsOf(text, delimiter);
    if (cells.length !== columns.length) {
      log.add(line, 'data.csv_cells', { found: cells.length, expected: columns.length });
      continue;
    }
    yield { line, value: Object.fromEntries(columns.map((name, i) => [name, valueOf(name, cells[i]!)])) };
  }
}

/** Lines joined where a quote is still open; blank lines between records are nothing. */
async function* records(
  lines: AsyncIterable<RawRow>,
  decode: (raw: RawRow) => string | null,
  log: ProblemLog,
): AsyncGenerator<{ line: number; text: string }> {
  type Open = { line: number; text: string; quotes: number };
  let open = null as Open | null;
  for await (const raw of lines) {
    const text = decode(raw);
    if (text === null) {
      open = null;
      continue;
    }
    if (open === null && text.trim() === '') continue;
    const before = open;
    open = before
      ? { line: before.line, text: `${before.text}\n${text}`, quotes: before.quotes + quotesIn(text) }
      : { line: raw.line, text, quotes: quotesIn(text) };
    if (open.quotes % 2 === 0) {
      yield { line: open.line, text: open.text };
      open = null;
    } else if (open.text.length > MAX_ROW_BYTES) {
      log.add(open.line, 'data.line_too_long', { limit: MAX_ROW_BYTES / 2 ** 20 });
      open = null;
    }
  }
  if (open) log.add(open.line, 'data.csv_unclosed');
}

function quotesIn(text: string): number {
  let count = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) count++;
  return count;
}

function delimiterOf(head: string): string {
  const counts = DELIMITERS.map((delimiter) => cellsOf(head, delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))]!;
}

function cellsOf(record: string, delimiter: string): string[] {
  const cells: string[] = [];
  let at = 0;
  for (;;) {
    let cell = '';
    if (record[at] === '"') {
      for (;;) {
        const end = record.indexOf('"', at + 1);
        if (end < 0) return [...cells, cell + record.slice(at + 1)];
        cell += record.slice(at + 1, end);
        at = end + 1;
        if (record[at] !== '"') break;
        cell += '"';
      }
    }
    const end = record.indexOf(delimiter, at);
    cells.push(cell + record.slice(at, end < 0 ? undefined : end));
    if (end < 0) return cells;
    at = end + 1;
  }
}

/** Names of the columns: one without a name gets its number, one that is there twice too. */
function columnNames(cells: readonly string[]): string[] {
  const names: string[] = [];
  cells.forEach((cell, i) => {
    const name = cell.trim() || `column ${i + 1}`;
    names.push(names.includes(name) ? `${name} ${i + 1}` : name);
  });
  return names;
}

function valueOf(name: string, cell: string): unknown {
  if ((name !== 'messages' && name !== 'conversations') || !cell.trimStart().startsWith('[')) return cell;
  try {
    return JSON.parse(cell);
  } catch {
    return cell;
  }
}
