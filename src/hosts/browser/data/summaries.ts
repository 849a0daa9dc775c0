import type { Dataset, DatasetTokens, RowFinding } from '../../../content/data/dataset/dataset.ts';
import type { RowTokenizer } from '../../../content/data/dataset/rowTokenizer.ts';
import { guessMapping } from '../../../content/data/rows/columns.ts';
import type { Sheet } from '../../../content/data/rows/sheet.ts';
import { rowLengths } from '../../../content/data/tokens/tokenize.ts';
import { countTrainedTokens, selectRows } from '../../../content/data/tokens/tokenRows.ts';
import type { DatasetSummary, FindingSummary, TokenizedSummary } from '../dataProtocol.ts';
import type { OpenFile } from './openFile.ts';
import { unreadableRows, unusableRows, type ProblemList } from './rowProblems.ts';

/** How many rows of a finding are sent to the page. */
const LISTED_ROWS = 8;
/** Most bars of the histogram. */
const BINS = 32;

/** An open file as the page shows it. */
export function datasetSummary({ dataset, columns, large }: OpenFile): DatasetSummary {
  const { parsed, sheet, detected, mapping } = dataset;
  const { name, kind, kindFrom, encoding, rowsField, otherRowsFields, rows } = parsed;
  return {
    name,
    kind,
    rows: rows.length,
    sampleOf: large?.bytes ?? null,
    positions: sheet.fileLength,
    ...(kindFrom && { kindFrom }),
    ...(encoding && { encoding }),
    ...(rowsField !== undefined && { rowsField }),
    ...(otherRowsFields && { otherRowsFields }),
    format: mapping ? 'columns' : detected,
    columns: detected === 'tokenized' ? [] : [...columns],
    mapping,
    guess: guessMapping(columns),
    ...dataset.facts(null),
    ...unreadableRows(dataset),
  };
}

/** The tokens of a data file in numbers. */
export function tokenizedSummary(
  dataset: Dataset,
  { all, train, evaluation, validation }: DatasetTokens,
  { chatTemplate }: RowTokenizer,
): TokenizedSummary {
  const rows = selectRows(all, train);
  const lengths = rowLengths(rows);
  return {
    rows: train.length,
    evalRows: validation ? validation.lines.length : evaluation.length,
    validation: validation && dataset.validation ? elsewhere(unusableRows(dataset.validation)) : null,
    tokens: rows.ids.length,
    trainedTokens: countTrainedTokens(rows),
    truncatedRows: all.truncated,
    truncatedTokens: all.truncatedTokens,
    longest: lengths.reduce((longest, length) => Math.max(longest, length), 0),
    histogram: histogramOf(lengths),
    ...unusableRows(dataset),
    unused: dataset.facts(chatTemplate).unused,
  };
}

/** Problems of rows of another file: they can't be shown or excluded here. */
function elsewhere({ problems, problemCount }: ProblemList): ProblemList {
  return { problems: problems.map((problem) => ({ ...problem, position: null })), problemCount };
}

/** What the linter found, with the first rows of each finding. */
export function findingSummaries(findings: readonly RowFinding[], sheet: Sheet): FindingSummary[] {
  return findings.map(({ code, severity, params, rows }) => ({
    code,
    severity,
    params,
    count: rows.length,
    rows: rows.slice(0, LISTED_ROWS).map((row) => ({ position: sheet.positionOf(row), line: row.line })),
  }));
}

/** Rows by length from the shortest to the longest, in bins of equally many lengths. */
function histogramOf(lengths: Uint32Array): TokenizedSummary['histogram'] {
  const shortest = lengths.reduce((least, length) => Math.min(least, length), Infinity);
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  const width = Math.max(1, Math.ceil((longest - shortest + 1) / BINS));
  const bins = Array.from({ length: Math.ceil((longest - shortest + 1) / width) }, (_, i) => ({
    from: shortest + i * width,
    to: Math.min(longest, shortest + (i + 1) * width - 1),
    rows: 0,
  }));
  for (const length of lengths) bins[Math.floor((length - shortest) / width)]!.rows++;
  return bins;
}
