import type { Row } from '../files/row.ts';
import { columnOf, markOf } from './preferenceColumn.ts';
import { rowColumns } from './tokenize.ts';
import type { TokenizedDataset } from './tokenizedDataset.ts';
import { referencesOf } from './tokenRows.ts';
import { layWeights } from './tokenWeights.ts';

/** Earlier tokens and the rows they came from. */
export interface KnownTokens {
  dataset: TokenizedDataset;
  rows: readonly Row[];
}

/**
 * The rows to tokenize: those that are not among the earlier rows (by identity) or had no tokens then. Only valid for
 * tokens made with the same tokenizer and options.
 */
export function rowsToTokenize(rows: readonly Row[], known: KnownTokens | null): Row[] {
  if (!known) return [...rows];
  const has = indicesByRow(known);
  return rows.filter((row) => !has.has(row));
}

/**
 * The tokens of `rows`: the earlier ones if there are any, otherwise those of `fresh`, the result for
 * {@link rowsToTokenize}.
 */
export function withKnownTokens(
  rows: readonly Row[],
  known: KnownTokens | null,
  fresh: TokenizedDataset,
): TokenizedDataset {
  if (!known) return fresh;
  const before = indicesByRow(known);
  const made = rows.filter((row) => !before.has(row));
  const now = indicesByRow({ dataset: fresh, rows: made });
  const freshIndices: number[] = [];
  rows.forEach((row, i) => !before.has(row) && freshIndices.push(i));
  const selected: { from: TokenizedDataset; at: number; source: number }[] = [];
  rows.forEach((row, source) => {
    const old = before.get(row);
    const from = old === undefined ? fresh : known.dataset;
    for (const at of old ?? now.get(row) ?? []) selected.push({ from, at, source });
  });
  const columns = Object.fromEntries(rowColumns.map((key) => [key, pick(selected, key)])) as Pick<
    TokenizedDataset,
    (typeof rowColumns)[number]
  >;
  const offsets = new Uint32Array(selected.length + 1);
  selected.forEach(
    ({ from, at }, i) => (offsets[i + 1] = offsets[i]! + from.offsets[at + 1]! - from.offsets[at]!),
  );
  const ids = new Int32Array(offsets[selected.length]!);
  const labels = new Int32Array(ids.length);
  selected.forEach(({ from, at }, i) => {
    ids.set(from.ids.subarray(from.offsets[at], from.offsets[at + 1]), offsets[i]);
    labels.set(from.labels.subarray(from.offsets[at], from.offsets[at + 1]), offsets[i]);
  });
  const pieces = selected.map(({ from, at }, i) => {
    return { at: offsets[i]!, weights: from.weights?.subarray(from.offsets[at], from.offsets[at + 1]) };
  });
  let trainedTokens = 0;
  let [truncated, truncatedTokens] = [0, 0];
  selected.forEach((_, i) => {
    const [start, end] = [offsets[i]!, offsets[i + 1]!];
    for (let at = start + 1; at < end; at++) if (labels[at]! >= 0) trainedTokens++;
    if (columns.lengths[i]! > end - start) truncated++;
    truncatedTokens += columns.lengths[i]! - (end - start);
  });
  return {
    ...columns,
    ...columnOf(selected.map(({ from, at }) => markOf(from.preference, at))),
    ...referencesOf(selected.map(({ from, at }) => from.references?.[at])),
    ids,
    labels,
    offsets,
    weights: layWeights(pieces, ids.length),
    parsedRows: rows.length,
    sources: Uint32Array.from(selected, ({ source }) => source),
    truncated,
    truncatedTokens,
    trainedTokens,
    skippedTurns: columns.skipped.reduce((sum, count) => sum + count, 0),
    // Rows without tokens are retried each time, so `fresh` has all problems.
    problems: fresh.problems.map((problem) =>
      problem.row === undefined ? problem : { ...problem, row: freshIndices[problem.row]! },
    ),
    problemCount: fresh.problemCount,
  };
}

/** Gathers a column for the selected rows, with the column's array type. */
function pick(
  selected: readonly { from: TokenizedDataset; at: number }[],
  key: (typeof rowColumns)[number],
): Uint32Array | Uint8Array {
  const values = selected.map(({ from, at }) => from[key][at]!);
  return key === 'notes' ? Uint8Array.from(values) : Uint32Array.from(values);
}

/** The indices of each row's tokens: one, or one per turn. */
export function indicesByRow({ dataset, rows }: KnownTokens): Map<Row, number[]> {
  const indices = new Map<Row, number[]>();
  dataset.sources.forEach((source, at) => {
    const row = rows[source]!;
    const known = indices.get(row);
    if (known) known.push(at);
    else indices.set(row, [at]);
  });
  return indices;
}
