/** Loss weights of consecutive tokens from index `at`; null if all are 1. */
export interface WeightPiece {
  at: number;
  weights: ArrayLike<number> | null | undefined;
}

/** Merges pieces of weights into one array of `length`, 1 elsewhere; null if no piece has weights. */
export function layWeights(pieces: readonly WeightPiece[], length: number): Float32Array | null {
  const given = pieces.filter(({ weights }) => weights);
  if (given.length === 0) return null;
  const all = new Float32Array(length).fill(1);
  for (const { at, weights } of given) all.set(weights!, at);
  return all;
}
