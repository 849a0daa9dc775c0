import {
  columnOf,
  goodSequences,
  markOf,
  type PreferenceColumn,
  type PreferenceMark,
} from './preferenceColumn.ts';
import { layWeights } from './tokenWeights.ts';

/** Token ids and labels of many rows, concatenated. `labels` is −100 where a token is not trained. */
export interface TokenRows {
  ids: Int32Array;
  /** Aligned with ids, as in transformers: the shift to the next token happens in the micro-batch. */
  labels: Int32Array;
  /** Aligned with labels: the loss weight of each, ≥ 0; null if all are 1. */
  weights: Float32Array | null;
  /** Row r is ids[offsets[r] … offsets[r + 1]). */
  offsets: Uint32Array;
  /** What rows are to preference training; absent in other data. */
  preference?: PreferenceColumn;
  /** [rows] of prompts, what the rewards of their completions compare with, as JSON; absent in other data. */
  references?: readonly string[];
}

/** A row to concatenate with others; `weights`, if present, are aligned with its labels. */
export interface TokenRow {
  ids: ArrayLike<number>;
  labels: ArrayLike<number>;
  weights?: ArrayLike<number> | null;
  mark?: PreferenceMark | undefined;
  reference?: string | undefined;
}

/** Concatenates rows of ids, labels and weights. The weights are null if no row has any. */
export function tokenRowsOf(rows: readonly TokenRow[]): TokenRows {
  const offsets = new Uint32Array(rows.length + 1);
  rows.forEach(({ ids }, i) => (offsets[i + 1] = offsets[i]! + ids.length));
  const count = offsets[rows.length]!;
  const all = {
    ids: new Int32Array(count),
    labels: new Int32Array(count),
    weights: layWeights(
      rows.map(({ weights }, i) => ({ at: offsets[i]!, weights })),
      count,
    ),
    offsets,
    ...columnOf(rows.map(({ mark }) => mark)),
    ...referencesOf(rows.map(({ reference }) => reference)),
  };
  rows.forEach(({ ids, labels }, i) => {
    all.ids.set(ids, offsets[i]);
    all.labels.set(labels, offsets[i]);
  });
  return all;
}

/** The references of rows as a column; none where rows have none. */
export function referencesOf(all: readonly (string | undefined)[]): { references?: readonly string[] } {
  return all[0] === undefined ? {} : { references: all.map((reference) => reference!) };
}

/** The references of rows as UTF-8, a line each: JSON has no raw line breaks. */
export function referenceBytes(references: readonly string[]): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(references.join('\n'));
}

/** Number of predicted labels: all but each row's first token. */
export function countTrainedTokens({ labels, offsets }: Pick<TokenRows, 'labels' | 'offsets'>): number {
  let count = 0;
  for (let row = 0; row + 1 < offsets.length; row++) {
    for (let i = offsets[row]! + 1; i < offsets[row + 1]!; i++) if (labels[i]! >= 0) count++;
  }
  return count;
}

/** Number of predicted labels whose weight is not 1. */
export function countWeightedTokens({ labels, weights, offsets }: TokenRows): number {
  if (!weights) return 0;
  const light = labels.map((label, i) => (weights[i] === 1 ? -100 : label));
  return countTrainedTokens({ labels: light, offsets });
}

/** Some of the rows, in the order given. */
export function selectRows(
  { ids, labels, weights, offsets, preference, references }: TokenRows,
  rows: readonly number[],
): TokenRows {
  return tokenRowsOf(
    rows.map((row) => {
      const [start, end] = [offsets[row]!, offsets[row + 1]!];
      return {
        ids: ids.subarray(start, end),
        labels: labels.subarray(start, end),
        weights: weights && weights.subarray(start, end),
        mark: markOf(preference, row),
        reference: references?.[row],
      };
    }),
  );
}

/** Preference data as rows of good answers alone, whose likelihood is a loss like any other's; other rows as they are. */
export function goodRows(rows: TokenRows): TokenRows {
  if (!rows.preference) return rows;
  return tokenRowsOf(
    goodSequences(rows).map(({ start, end }) => ({
      ids: rows.ids.subarray(start, end),
      labels: rows.labels.subarray(start, end),
    })),
  );
}
