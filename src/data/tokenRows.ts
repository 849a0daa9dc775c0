/** Token ids and labels of many rows, end to end. `labels` is −100 where a token is not trained on. */
export interface TokenRows {
  ids: Int32Array;
  /** Aligned with ids, as in transformers: the shift to the next token happens in the micro-batch. */
  labels: Int32Array;
  /** Row r is ids[offsets[r] … offsets[r + 1]). */
  offsets: Uint32Array;
}

/** Lays rows of ids and labels end to end. */
export function tokenRowsOf(
  rows: readonly { ids: readonly number[]; labels: readonly number[] }[],
): TokenRows {
  const offsets = new Uint32Array(rows.length + 1);
  rows.forEach(({ ids }, i) => (offsets[i + 1] = offsets[i]! + ids.length));
  return {
    ids: Int32Array.from(rows.flatMap((row) => row.ids)),
    labels: Int32Array.from(rows.flatMap((row) => row.labels)),
    offsets,
  };
}

/** Labels that are predicted: all but each row's first token. */
export function countTrainedTokens({ labels, offsets }: TokenRows): number {
  let count = 0;
  for (let row = 0; row + 1 < offsets.length; row++) {
    for (let i = offsets[row]! + 1; i < offsets[row + 1]!; i++) if (labels[i]! >= 0) count++;
  }
  return count;
}

/** Some of the rows, in the order given. */
export function selectRows({ ids, labels, offsets }: TokenRows, rows: readonly number[]): TokenRows {
  return tokenRowsOf(
    rows.map((row) => {
      const [start, end] = [offsets[row]!, offsets[row + 1]!];
      return { ids: Array.from(ids.subarray(start, end)), labels: Array.from(labels.subarray(start, end)) };
    }),
  );
}
