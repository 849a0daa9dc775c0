import { CsvRecords, type CsvRecord } from './csvRecords.ts';
import { cellValue } from './csvCells.ts';
import { withTurnsAsLists, type ParseLog } from './jsonRow.ts';
import type { Line } from './lines.ts';
import type { Row } from './row.ts';

/** Delimiters to try, the most likely first. */
const DELIMITERS = [',', '\t', ';', '|'] as const;

/** The first line that names the delimiter for Excel. */
const SEPARATOR_LINE = /^"?sep=(.)"?$/i;

/** How a CSV table is written. */
export interface CsvDialect {
  delimiter: string;
  /** Whether the first line only names the delimiter. */
  skipsFirst: boolean;
}

/**
 * Rows of a CSV table, line by line as `csv.reader` reads them ({@link CsvRecords}): the first record names the
 * columns. JSON lists and objects in cells are parsed as in {@link cellValue}. Records with more or fewer cells than
 * columns are problems of their line. Call `push` with each line and `end` at the end of the file.
 */
export function csvRows(
  dialect: CsvDialect,
  log: ParseLog,
  rows: Row[],
): { push(line: Line): void; end(): void } {
  let columns: string[] | null = null;
  const records = new CsvRecords(dialect.delimiter, log, ({ line, cells }) => {
    if (!columns) {
      columns = columnNames(cells);
      return;
    }
    if (cells.length !== columns.length) {
      log.add(line, 'data.csv_cells', { found: cells.length, expected: columns.length });
      return;
    }
    const row: Record<string, unknown> = {};
    for (const [i, column] of columns.entries()) {
      const cell = cellValue(column, cells[i]!);
      if ('problem' in cell) return log.add(line, `data.cell_${cell.problem}`, { field: column });
      // defineProperty, since assigning to `__proto__` would not create a field.
      if (column === '__proto__') Object.defineProperty(row, column, { ...cell, ...OWN });
      else row[column] = cell.value;
    }
    rows.push({ line, value: withTurnsAsLists(row) });
  });
  let first = dialect.skipsFirst;
  return {
    push(line) {
      if (first) first = false;
      else records.push(line);
    },
    end: () => records.end(),
  };
}

const OWN = { configurable: true, enumerable: true, writable: true };

/**
 * Detects a table's dialect: the delimiter from a first line such as `sep=;`, or the one that splits the records of the
 * head into the most cells, the same number in each.
 * @param likely the delimiter that the file name suggests, if any
 */
export function dialectOf(head: readonly Line[], log: ParseLog, likely?: string): CsvDialect {
  const named = SEPARATOR_LINE.exec(new TextDecoder().decode(head[0]?.bytes ?? new Uint8Array(0)));
  if (named) return { delimiter: named[1]!, skipsFirst: true };
  let best: { delimiter: string; score: number } = { delimiter: ',', score: 0 };
  for (const delimiter of likely === undefined ? DELIMITERS : [likely, ...DELIMITERS]) {
    const records = recordsOf(head, delimiter, log);
    const cells = records[0]?.cells.length ?? 1;
    const alike = records.filter((record) => record.cells.length === cells).length;
    // A few rows of another width don't rule out a delimiter, many do.
    const score = cells === 1 ? 0 : cells * (alike * 10 >= records.length * 9 ? 1000 : 1);
    if (score > best.score) best = { delimiter, score };
  }
  return { delimiter: best.delimiter, skipsFirst: false };
}

/** The records of a file's first lines, without one that continues past them. */
export function recordsOf(head: readonly Line[], delimiter: string, log: ParseLog): CsvRecord[] {
  const records: CsvRecord[] = [];
  const reader = new CsvRecords(delimiter, log.silent(), (record) => records.push(record));
  for (const line of head) reader.push(line);
  return records;
}

/** Column names: unnamed and duplicate columns get their number. */
export function columnNames(cells: readonly string[]): string[] {
  const names: string[] = [];
  cells.forEach((cell, i) => {
    let name = cell.trim() || `column ${i + 1}`;
    while (names.includes(name)) name = `${name} ${i + 1}`;
    names.push(name);
  });
  return names;
}
