import { decodeFloats } from '../../base/lib/floats.ts';
import { NORM_THREADS } from '../kernels/dora.ts';
import { codebooks } from '../../content/formats/quantized/codebooks.ts';
import type { PeftModule } from '../../content/formats/peft.ts';

/** Rows of W + scale · B · A in f64, with DoRA times magnitude / norm. */
export interface ExactRows {
  values: Float64Array;
  /** Bound of the error of f32 sums of the same terms. */
  slack: Float64Array;
}

/** Half an ulp relative to the value, and the smallest step near zero. */
const steps: Record<string, readonly [number, number]> = {
  F32: [2 ** -24, 2 ** -149],
  F16: [2 ** -11, 2 ** -25],
  BF16: [2 ** -8, 2 ** -133],
};

/** The largest distance of a value in −1 … 1 from the nearest NF4 value. */
const nf4Reach = Math.max(
  ...[...codebooks.nf4].map((value, i) => (value - (codebooks.nf4[i - 1] ?? value)) / 2),
);

/** @param before rows of W, @param row index of the first */
export function exactRows(
  before: Float32Array,
  module: PeftModule | null,
  cols: number,
  row: number,
): ExactRows {
  const values = Float64Array.from(before);
  const slack = new Float64Array(before.length);
  if (!module) return { values, slack };
  const { rank, scale, a, b } = module;
  // Each operation on a value rounds once.
  const rounding = (rank + 4) * 2 ** -24;
  for (let i = 0; i < values.length; i++) {
    const out = row + Math.floor(i / cols);
    let magnitude = Math.abs(before[i]!);
    let update = 0;
    for (let r = 0; r < rank; r++) {
      const term = scale * b[out * rank + r]! * a[r * cols + (i % cols)]!;
      update += term;
      magnitude += Math.abs(term);
    }
    values[i]! += update;
    slack[i] = rounding * magnitude;
  }
  if (module.magnitudes) scaleRows({ values, slack }, module.magnitudes, cols, row);
  return { values, slack };
}

/** Gives rows the lengths that DoRA trained. The norm is an f32 sum, by threads that each add a part of a row. */
function scaleRows({ values, slack }: ExactRows, magnitudes: Float32Array, cols: number, row: number): void {
  const rounding = ((cols / NORM_THREADS + NORM_THREADS) / 2 + 8) * 2 ** -24;
  for (let start = 0; start < values.length; start += cols) {
    const magnitude = magnitudes[row + start / cols]!;
    const [whole, error] = [values.subarray(start, start + cols), slack.subarray(start, start + cols)];
    const factor = magnitude / Math.hypot(...whole);
    // The norm is off by at most the length of all errors.
    const relative = rounding + (Math.hypot(...error) * factor) / Math.abs(magnitude);
    for (let i = 0; i < cols; i++) {
      whole[i]! *= factor;
      error[i] = Math.abs(factor) * error[i]! + relative * Math.abs(whole[i]!);
    }
  }
}

/**
 * Whether the written rows are the exact ones within one rounding of the dtype.
 * @returns the largest error relative to the tolerance: at most 1 if all is well
 */
export function roundingError(dtype: string, { values, slack }: ExactRows, written: Uint8Array): number {
  const [half, tiny] = steps[dtype]!;
  const after = decodeFloats(written, dtype);
  let worst = 0;
  for (const [i, exact] of values.entries()) {
    const allowed = half * Math.abs(exact) + tiny + slack[i]!;
    worst = Math.max(worst, Math.abs(after[i]! - exact) / allowed);
  }
  return worst;
}

/**
 * Whether dequantized NF4 codes are as close to the exact rows as their absmax allows.
 * @param dtype in which the rows were quantized
 * @param exact whole blocks
 * @param scales absmax of each block as written; unless nested, it must be that of the exact values
 * @returns the largest error relative to the tolerance: at most 1 if all is well
 */
export function quantizationError(
  dtype: string,
  { values, slack }: ExactRows,
  { written, scales, nested }: { written: Float32Array; scales: Float32Array; nested: boolean },
  blockSize: number,
): number {
  const [half, tiny] = steps[dtype]!;
  let worst = 0;
  for (const [block, scale] of scales.entries()) {
    const [start, end] = [block * blockSize, Math.min((block + 1) * blockSize, values.length)];
    const largest = values.subarray(start, end).reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const sums = slack.subarray(start, end).reduce((max, value) => Math.max(max, value), 0);
    const rounding = half * largest + tiny + sums;
    const off = Math.abs(scale - largest);
    if (!nested) worst = Math.max(worst, off / (2 * rounding));
    // A code is the nearest one for the true absmax; an inexact absmax stretches it.
    const allowed = nf4Reach * (largest + rounding) + off + rounding;
    for (let i = start; i < end; i++) {
      worst = Math.max(worst, Math.abs(written[i]! - values[i]!) / allowed);
    }
  }
  return worst;
}
