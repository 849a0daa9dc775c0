import { GraftError } from '../../../base/lib/errors.ts';
import { Dataset } from '../../../content/data/dataset/dataset.ts';
import type { ParsedDataset } from '../../../content/data/files/parse.ts';
import { columnsOf, type Column } from '../../../content/data/rows/columns.ts';
import { detectFormat, type DataFormat } from '../../../content/data/rows/formats.ts';
import type { LargeRows } from './largeRows.ts';
import { RowSearch } from './rowSearch.ts';

/** The data file that is open in the data worker. */
export interface OpenFile {
  readonly dataset: Dataset;
  /** Columns that can be a prompt, an answer or a text. */
  readonly columns: readonly Column[];
  readonly search: RowSearch;
  /** All rows of a file of which the data set has the first; null where it has all. */
  readonly large: LargeRows | null;
}

/** Throws `data.unknown_format` where neither the shape of the rows is known nor any column could be a text. */
export function openFile(parsed: ParsedDataset, large: LargeRows | null = null): OpenFile {
  const columns = columnsOf(parsed.rows);
  const dataset = new Dataset(parsed, formatOf(parsed, columns));
  return { dataset, columns, search: new RowSearch(dataset.sheet), large };
}

function formatOf({ rows, name }: ParsedDataset, columns: readonly Column[]): DataFormat | null {
  try {
    return detectFormat(rows, name);
  } catch (error) {
    // A table whose columns have other names can be read once the user says what they are.
    const mayBeText = columns.some(({ sample }) => /\p{L}/u.test(sample));
    if (error instanceof GraftError && error.code === 'data.unknown_format' && mayBeText) return null;
    throw error;
  }
}

/** The rows that are not excluded, with their edits, as a JSONL file. */
export function changedFile({ parsed, sheet, mapping }: Dataset): File {
  const name = parsed.name
    .split('/')
    .at(-1)!
    .replace(/\.[^.]+$/, '');
  return new File(sheet.toJsonl(mapping), `${name}-changed.jsonl`, { type: 'application/jsonl' });
}
