/** What losses count from a place on, one for each token; without weights each counts 1. */
export interface PlacedWeights {
  at: number;
  weights: ArrayLike<number> | null | undefined;
}

/** Weights at their places among `length` tokens, 1 at all others; null where no piece has any. */
export function layWeights(pieces: readonly PlacedWeights[], length: number): Float32Array | null {
  const given = pieces.filter(({ weights }) => weights);
  if (given.length === 0) return null;
  const all = new Float32Array(length).fill(1);
  for (const { at, weights } of given) all.set(weights!, at);
  return all;
}
