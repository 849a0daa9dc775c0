import { randomArray } from './compare.ts';
import { segmentsOf } from './segments.ts';

/** Shapes of one attention test: packed segments of the given lengths, each token a query and a key. */
export interface AttentionShape {
  lengths: readonly number[];
  heads: number;
  kvHeads: number;
  headDim: number;
  window?: number;
  /** Soft cap of scores; 0 for none. */
  cap?: number;
}

/** Random q, k, v, dO and the segment bounds of packed rows with these shapes. */
export function attentionCase({ lengths, heads, kvHeads, headDim, window = 0, cap = 0 }: AttentionShape) {
  const rows = lengths.reduce((sum, n) => sum + n, 0);
  return {
    rows,
    heads,
    kvHeads,
    headDim,
    window,
    cap,
    queryOffset: 0,
    scale: headDim ** -0.5,
    // Scores of several units, so that the softmax is neither flat nor a single key.
    q: randomArray(1, rows * heads * headDim, 3),
    k: randomArray(2, rows * kvHeads * headDim, 3),
    v: randomArray(3, rows * kvHeads * headDim),
    dO: randomArray(4, rows * heads * headDim),
    ...segmentsOf(lengths),
  };
}
