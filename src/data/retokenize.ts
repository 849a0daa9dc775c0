import type { Row } from './row.ts';
import { rowColumns, type TokenizedDataset } from './tokenize.ts';
import { layWeights } from './tokenWeights.ts';

/** Tokens of before and the rows they were made of. */
export interface KnownTokens {
  dataset: TokenizedDataset;
  rows: readonly Row[];
}

/**
 * Which of `rows` are to be tokenized: those that are not among the rows of before (by identity) or had no tokens then.
 * Only for tokens made with the same tokenizer and options.
 */
export function rowsToTokenize(rows: readonly Row[], known: KnownTokens | null): Row[] {
  if (!known) return [...rows];
  const has = placesOf(known);
  return rows.filter((row) => !has.has(row));
}

/**
 * The tokens of `rows`: those of before where there are some, else those of `fresh`, which was made of
 * {@link rowsToTokenize}.
 */
export function withKnownTokens(
  rows: readonly Row[],
  known: KnownTokens | null,
  fresh: TokenizedDataset,
): TokenizedDataset {
  if (!known) return fresh;
  const before = placesOf(known);
  const made = rows.filter((row) => !before.has(row));
  const now = placesOf({ dataset: fresh, rows: made });
  const places: number[] = [];
  rows.forEach((row, i) => !before.has(row) && places.push(i));
  const taken: { from: TokenizedDataset; at: number; source: number }[] = [];
  rows.forEach((row, source) => {
    const old = before.get(row);
    const from = old === undefined ? fresh : known.dataset;
    for (const at of old ?? now.get(row) ?? []) taken.push({ from, at, source });
  });
  const columns = Object.fromEntries(rowColumns.map((key) => [key, pick(taken, key)])) as Pick<
    TokenizedDataset,
    (typeof rowColumns)[number]
  >;
  const offsets = new Uint32Array(taken.length + 1);
  taken.forEach(
    ({ from, at }, i) => (offsets[i + 1] = offsets[i]! + from.offsets[at + 1]! - from.offsets[at]!),
  );
  const ids = new Int32Array(offsets[taken.length]!);
  const labels = new Int32Array(ids.length);
  taken.forEach(({ from, at }, i) => {
    ids.set(from.ids.subarray(from.offsets[at], from.offsets[at + 1]), offsets[i]);
    labels.set(from.labels.subarray(from.offsets[at], from.offsets[at + 1]), offsets[i]);
  });
  const placed = taken.map(({ from, at }, i) => {
    return { at: offsets[i]!, weights: from.weights?.subarray(from.offsets[at], from.offsets[at + 1]) };
  });
  let trainedTokens = 0;
  let [truncated, truncatedTokens] = [0, 0];
  taken.forEach((_, i) => {
    const [start, end] = [offsets[i]!, offsets[i + 1]!];
    for (let at = start + 1; at < end; at++) if (labels[at]! >= 0) trainedTokens++;
    if (columns.lengths[i]! > end - start) truncated++;
    truncatedTokens += columns.lengths[i]! - (end - start);
  });
  return {
    ...columns,
    ...{ ids, labels, offsets },
    weights: layWeights(placed, ids.length),
    parsedRows: rows.length,
    sources: Uint32Array.from(taken, ({ source }) => source),
    ...{ truncated, truncatedTokens, trainedTokens },
    skippedTurns: columns.skipped.reduce((sum, count) => sum + count, 0),
    // Rows without tokens are tried again each time, so these are all.
    problems: fresh.problems.map((problem) =>
      problem.row === undefined ? problem : { ...problem, row: places[problem.row]! },
    ),
    problemCount: fresh.problemCount,
  };
}

/** A column of the rows that were taken, in its own type. */
function pick(
  taken: readonly { from: TokenizedDataset; at: number }[],
  key: (typeof rowColumns)[number],
): Uint32Array | Uint8Array {
  const values = taken.map(({ from, at }) => from[key][at]!);
  return key === 'notes' ? Uint8Array.from(values) : Uint32Array.from(values);
}

/** Where the tokens of each row are: one place, or one for each turn. */
function placesOf({ dataset, rows }: KnownTokens): Map<Row, number[]> {
  const places = new Map<Row, number[]>();
  dataset.sources.forEach((source, at) => {
    const row = rows[source]!;
    const known = places.get(row);
    if (known) known.push(at);
    else places.set(row, [at]);
  });
  return places;
}
