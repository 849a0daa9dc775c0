import { layWeights } from './tokenWeights.ts';

/** Token ids and labels of many rows, end to end. `labels` is −100 where a token is not trained on. */
export interface TokenRows {
  ids: Int32Array;
  /** Aligned with ids, as in transformers: the shift to the next token happens in the micro-batch. */
  labels: Int32Array;
  /** Aligned with labels: what the loss of each counts, ≥ 0; null where each counts 1. */
  weights: Float32Array | null;
  /** Row r is ids[offsets[r] … offsets[r + 1]). */
  offsets: Uint32Array;
}

/** A row to be laid beside others: `weights`, where it has some, are aligned with its labels. */
export interface TokenRow {
  ids: ArrayLike<number>;
  labels: ArrayLike<number>;
  weights?: ArrayLike<number> | null;
}

/** Lays rows of ids, labels and weights end to end. Where no row has weights, neither have all of them. */
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
  };
  rows.forEach(({ ids, labels }, i) => {
    all.ids.set(ids, offsets[i]);
    all.labels.set(labels, offsets[i]);
  });
  return all;
}

/** Labels that are predicted: all but each row's first token. */
export function countTrainedTokens({ labels, offsets }: Pick<TokenRows, 'labels' | 'offsets'>): number {
  let count = 0;
  for (let row = 0; row + 1 < offsets.length; row++) {
    for (let i = offsets[row]! + 1; i < offsets[row + 1]!; i++) if (labels[i]! >= 0) count++;
  }
  return count;
}

/** Labels that are predicted and whose loss counts other than 1. */
export function countWeightedTokens({ labels, weights, offsets }: TokenRows): number {
  if (!weights) return 0;
  const light = labels.map((label, i) => (weights[i] === 1 ? -100 : label));
  return countTrainedTokens({ labels: light, offsets });
}

/** Some of the rows, in the order given. */
export function selectRows({ ids, labels, weights, offsets }: TokenRows, rows: readonly number[]): TokenRows {
  return tokenRowsOf(
    rows.map((row) => {
      const [start, end] = [offsets[row]!, offsets[row + 1]!];
      return {
        ids: ids.subarray(start, end),
        labels: labels.subarray(start, end),
        weights: weights && weights.subarray(start, end),
      };
    }),
  );
}
