import { matmulRef } from '../../kernels/matmul.ref.ts';

/** A linear layer with LoRA (Hu et al., 2021), row-major. */
export interface LoraLinearRef {
  /** [T, in] */
  x: ArrayLike<number>;
  /** W [out, in], frozen */
  w: ArrayLike<number>;
  /** A [rank, in] */
  a: ArrayLike<number>;
  /** B [out, rank] */
  b: ArrayLike<number>;
  /** alpha / rank */
  scale: number;
  /** T, the number of tokens */
  rows: number;
  inFeatures: number;
  outFeatures: number;
  rank: number;
}

/** y = x Wᵀ + scale · (x Aᵀ) Bᵀ, unfused in f64: [T, out]. */
export function loraLinearRef({
  x,
  w,
  a,
  b,
  scale,
  rows,
  inFeatures,
  outFeatures,
  rank,
}: LoraLinearRef): Float64Array {
  const y = matmulRef('NT', x, w, rows, outFeatures, inFeatures);
  const u = matmulRef('NT', x, a, rows, rank, inFeatures);
  const update = matmulRef('NT', u, b, rows, outFeatures, rank);
  return y.map((value, i) => value + scale * update[i]!);
}

/**
 * The gradients of `loraLinearRef`, with u = x Aᵀ and dU = scale · dy B:
 *   dX = dy W + dU A,  dA = dUᵀ x,  dB = scale · dyᵀ u
 * @param dy [T, out]
 * @returns dX [T, in], dA [rank, in], dB [out, rank]
 */
export function loraLinearBackwardRef(
  dy: ArrayLike<number>,
  { x, w, a, b, scale, rows, inFeatures, outFeatures, rank }: LoraLinearRef,
): { dX: Float64Array; dA: Float64Array; dB: Float64Array } {
  const u = matmulRef('NT', x, a, rows, rank, inFeatures);
  const dU = matmulRef('NN', dy, b, rows, rank, outFeatures).map((value) => scale * value);
  const update = matmulRef('NN', dU, a, rows, inFeatures, rank);
  return {
    dX: matmulRef('NN', dy, w, rows, inFeatures, outFeatures).map((value, i) => value + update[i]!),
    dA: matmulRef('TN', dU, x, rank, inFeatures, rows),
    dB: matmulRef('TN', dy, u, outFeatures, rank, rows).map((value) => scale * value),
  };
}
