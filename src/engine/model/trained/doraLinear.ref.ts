import { matmulRef } from '../../kernels/matmul.ref.ts';
import { loraLinearBackwardRef, loraLinearRef, type LoraLinearRef } from './loraLinear.ref.ts';

/** A linear layer with DoRA (Liu et al., 2024), without bias. */
export interface DoraLinearRef extends LoraLinearRef {
  /** [out] */
  magnitudes: ArrayLike<number>;
}

/** ‖W + scale · B · A‖₂ of each row, in f64: [out]. */
export function doraNormsRef({ w, a, b, scale, inFeatures, outFeatures, rank }: LoraLinearRef): Float64Array {
  const update = matmulRef('NN', b, a, outFeatures, inFeatures, rank);
  return Float64Array.from({ length: outFeatures }, (_, n) => {
    let squares = 0;
    for (let k = n * inFeatures; k < (n + 1) * inFeatures; k++) squares += (w[k]! + scale * update[k]!) ** 2;
    return Math.sqrt(squares);
  });
}

/** y = m / ‖W + scale · B · A‖ · (x Wᵀ + scale · (x Aᵀ) Bᵀ): [T, out]. */
export function doraLinearRef(layer: DoraLinearRef): Float64Array {
  const norms = doraNormsRef(layer);
  return loraLinearRef(layer).map((value, i) => {
    const n = i % layer.outFeatures;
    return (layer.magnitudes[n]! / norms[n]!) * value;
  });
}

/**
 * The gradients of `doraLinearRef`, in which the norm is a constant, as section 4.3 of the paper has it: those of
 * `loraLinearBackwardRef` for dz = m / ‖…‖ · dy, and dm = Σ dy · z / ‖…‖ over tokens.
 */
export function doraLinearBackwardRef(dy: ArrayLike<number>, layer: DoraLinearRef) {
  const { outFeatures, magnitudes } = layer;
  const norms = doraNormsRef(layer);
  const z = loraLinearRef(layer);
  const dz = Float64Array.from(dy, (value, i) => {
    const n = i % outFeatures;
    return (magnitudes[n]! / norms[n]!) * value;
  });
  const dMagnitudes = new Float64Array(outFeatures);
  for (const [i, value] of z.entries()) {
    const n = i % outFeatures;
    dMagnitudes[n]! += (dy[i]! * value) / norms[n]!;
  }
  return { ...loraLinearBackwardRef(dz, layer), dMagnitudes };
}
