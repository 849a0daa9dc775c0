/** The inputs of attention on the CPU. */
export interface AttentionRef {
  /** [T, H, D] */
  q: ArrayLike<number>;
  /** [K, Hkv, D] */
  k: ArrayLike<number>;
  /** [K, Hkv, D] */
  v: ArrayLike<number>;
  /** [T] */
  segmentStart: ArrayLike<number>;
  heads: number;
  kvHeads: number;
  headDim: number;
  queryOffset: number;
  window: number;
  scale: number;
  /** Limits scores softly; 0 does not. */
  cap?: number;
}

/** Causal grouped-query attention in plain loops and f64: o [T, H, D], lse [T, H]. */
export function attentionRef(input: AttentionRef) {
  const { q, v, segmentStart, heads, kvHeads, headDim } = input;
  const rows = segmentStart.length;
  const o = new Float64Array(q.length);
  const lse = new Float64Array(rows * heads);
  for (let t = 0; t < rows; t++) {
    for (let h = 0; h < heads; h++) {
      const { first, scores } = scoresOf(input, t, h);
      const peak = Math.max(...scores);
      const sum = scores.reduce((total, score) => total + Math.exp(score - peak), 0);
      lse[t * heads + h] = peak + Math.log(sum);
      scores.forEach((score, i) => {
        const weight = Math.exp(score - peak) / sum;
        const value = ((first + i) * kvHeads + kvHeadOf(input, h)) * headDim;
        for (let d = 0; d < headDim; d++) o[(t * heads + h) * headDim + d]! += weight * v[value + d]!;
      });
    }
  }
  return { o, lse };
}

/** The gradients of Σ dO · o with respect to q, k and v; pass `saved` to use the forward pass's rounded o. */
export function attentionBackwardRef(
  input: AttentionRef,
  dO: ArrayLike<number>,
  saved = attentionRef(input),
) {
  const { q, k, v, segmentStart, heads, kvHeads, headDim, scale, cap = 0 } = input;
  const { o, lse } = saved;
  const dQ = new Float64Array(q.length);
  const dK = new Float64Array(k.length);
  const dV = new Float64Array(v.length);
  for (let t = 0; t < segmentStart.length; t++) {
    for (let h = 0; h < heads; h++) {
      const query = (t * heads + h) * headDim;
      let delta = 0;
      for (let d = 0; d < headDim; d++) delta += dO[query + d]! * o[query + d]!;
      const { first, scores } = scoresOf(input, t, h);
      scores.forEach((score, i) => {
        const key = ((first + i) * kvHeads + kvHeadOf(input, h)) * headDim;
        const weight = Math.exp(score - lse[t * heads + h]!);
        let dWeight = 0;
        for (let d = 0; d < headDim; d++) dWeight += dO[query + d]! * v[key + d]!;
        const slope = cap > 0 ? scale * (1 - (score / cap) ** 2) : scale;
        const dScore = weight * (dWeight - delta) * slope;
        for (let d = 0; d < headDim; d++) {
          dV[key + d]! += weight * dO[query + d]!;
          dQ[query + d]! += dScore * k[key + d]!;
          dK[key + d]! += dScore * q[query + d]!;
        }
      });
    }
  }
  return { dQ, dK, dV };
}

function kvHeadOf({ heads, kvHeads }: AttentionRef, head: number): number {
  return Math.floor(head / (heads / kvHeads));
}

/** The scaled scores of query t against its visible keys, and the index of the first of those. */
function scoresOf(input: AttentionRef, t: number, h: number): { first: number; scores: number[] } {
  const { q, k, segmentStart, heads, kvHeads, headDim, queryOffset, window, scale, cap = 0 } = input;
  const last = t + queryOffset;
  const first = Math.max(segmentStart[t]!, window > 0 ? last - window + 1 : 0);
  const scores: number[] = [];
  for (let s = first; s <= last; s++) {
    let dot = 0;
    for (let d = 0; d < headDim; d++) {
      dot += q[(t * heads + h) * headDim + d]! * k[(s * kvHeads + kvHeadOf(input, h)) * headDim + d]!;
    }
    scores.push(cap > 0 ? cap * Math.tanh((dot * scale) / cap) : dot * scale);
  }
  return { first, scores };
}
