import type { Row } from './row.ts';
import type { TokenizedDataset } from './tokenize.ts';
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
    const at = old ?? now.get(row);
    if (at !== undefined) taken.push({ from: old === undefined ? fresh : known.dataset, at, source });
  });
  const pick = (key: 'lines' | 'lengths' | 'lost' | 'skipped') =>
    Uint32Array.from(taken, ({ from, at }) => from[key][at]!);
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
  const [lines, lengths, lost, skipped] = [pick('lines'), pick('lengths'), pick('lost'), pick('skipped')];
  let trainedTokens = 0;
  let [truncated, truncatedTokens] = [0, 0];
  taken.forEach((_, i) => {
    const [start, end] = [offsets[i]!, offsets[i + 1]!];
    for (let at = start + 1; at < end; at++) if (labels[at]! >= 0) trainedTokens++;
    if (lengths[i]! > end - start) truncated++;
    truncatedTokens += lengths[i]! - (end - start);
  });
  return {
    weights: layWeights(placed, ids.length),
    ...{ ids, labels, offsets, lines, lengths, lost, skipped },
    parsedRows: rows.length,
    sources: Uint32Array.from(taken, ({ source }) => source),
    ...{ truncated, truncatedTokens, trainedTokens },
    skippedTurns: skipped.reduce((sum, count) => sum + count, 0),
    // Rows without tokens are tried again each time, so these are all.
    problems: fresh.problems.map((problem) =>
      problem.row === undefined ? problem : { ...problem, row: places[problem.row]! },
    ),
    problemCount: fresh.problemCount,
  };
}

function placesOf({ dataset, rows }: KnownTokens): Map<Row, number> {
  return new Map(Array.from(dataset.sources, (source, at) => [rows[source]!, at]));
}
