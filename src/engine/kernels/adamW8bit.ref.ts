import type { AdamWStep } from './adamW.ts';
import { gradNormRef } from './adamW.ref.ts';

const block = 256;

/** Block-wise 8-bit states of one matrix: codes [n], and the absmax of blocks of 256 [⌈n / 256⌉]. */
export interface Adam8bitRefState {
  mCodes: Uint8Array;
  vCodes: Uint8Array;
  mAbsmax: Float32Array;
  vAbsmax: Float32Array;
}

/** States of n elements before the first step. */
export function newAdam8bitRef(n: number): Adam8bitRefState {
  const blocks = Math.ceil(n / block);
  return {
    mCodes: new Uint8Array(n),
    vCodes: new Uint8Array(n),
    mAbsmax: new Float32Array(blocks),
    vAbsmax: new Float32Array(blocks),
  };
}

/**
 * One step of bitsandbytes' block-wise 8-bit AdamW over one matrix, in f64 and in place. Returns m and v before
 * rounding.
 * @param maps the dynamic maps, ascending
 * @param norm of the gradients of all matrices, if there are others
 */
export function adamW8bitRef(
  params: Float64Array,
  state: Adam8bitRefState,
  grads: ArrayLike<number>,
  maps: { signed: Float32Array; unsigned: Float32Array },
  { lr, beta1, beta2, eps, weightDecay, maxGradNorm, step }: AdamWStep,
  norm = gradNormRef(grads),
): { m: Float64Array; v: Float64Array } {
  const clip = maxGradNorm > 0 ? Math.min(1, maxGradNorm / (norm + 1e-6)) : 1;
  const m = expand(state.mCodes, state.mAbsmax, maps.signed);
  const v = expand(state.vCodes, state.vAbsmax, maps.unsigned);
  for (let i = 0; i < params.length; i++) {
    const grad = grads[i]! * clip;
    m[i] = beta1 * m[i]! + (1 - beta1) * grad;
    v[i] = beta2 * v[i]! + (1 - beta2) * grad * grad;
    const mHat = m[i]! / (1 - beta1 ** step);
    const vHat = v[i]! / (1 - beta2 ** step);
    params[i] = params[i]! * (1 - lr * weightDecay) - (lr * mHat) / (Math.sqrt(vHat) + eps);
  }
  roundTo(m, state.mCodes, state.mAbsmax, maps.signed);
  roundTo(v, state.vCodes, state.vAbsmax, maps.unsigned);
  return { m, v };
}

/** Dequantizes codes. */
export function expand(codes: Uint8Array, absmax: Float32Array, map: Float32Array): Float64Array {
  return Float64Array.from(codes, (code, i) => map[code]! * absmax[Math.floor(i / block)]!);
}

/** Quantizes `values` to the nearest codes: the lower one at a tie, but never 0 for a negative value. */
function roundTo(values: Float64Array, codes: Uint8Array, absmax: Float32Array, map: Float32Array): void {
  absmax.forEach((_, b) => {
    const part = values.subarray(b * block, (b + 1) * block);
    const largest = part.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
    absmax[b] = largest;
    part.forEach((x, i) => {
      let code = largest > 0 ? nearestCode(map, x / largest) : nearestCode(map, 0);
      if (x < 0 && map[code] === 0) code -= 1;
      codes[b * block + i] = code;
    });
  });
}

function nearestCode(map: Float32Array, x: number): number {
  let best = 0;
  map.forEach((value, code) => {
    if (Math.abs(value - x) < Math.abs(map[best]! - x)) best = code;
  });
  return best;
}
