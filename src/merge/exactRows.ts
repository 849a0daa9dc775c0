import { decodeFloats } from '../formats/floats.ts';
import { codebooks } from '../formats/quantized/codebooks.ts';
import type { PeftModule } from '../formats/peft.ts';

/** Rows of W + scale · B · A in f64. */
export interface ExactRows {
  values: Float64Array;
  /** How far f32 sums of the same terms may be off. */
  slack: Float64Array;
}

/** Half a unit in the last place, as a share of the value, and the smallest step near zero. */
const steps: Record<string, readonly [number, number]> = {
  F32: [2 ** -24, 2 ** -149],
  F16: [2 ** -11, 2 ** -25],
  BF16: [2 ** -8, 2 ** -133],
};

/** The farthest a number from −1 to 1 lies from the nearest value of NF4. */
const nf4Reach = Math.max(
  ...[...codebooks.nf4].map((value, i) => (value - (codebooks.nf4[i - 1] ?? value)) / 2),
);

/** @param before rows of W, @param row the first of them */
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
  // Each of the operations on a value rounds once.
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
  return { values, slack };
}

/**
 * Whether written rows are the exact ones within one rounding of the dtype.
 * @returns the largest error as a share of what is allowed: at most 1 when all is well
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
 * Whether what NF4 codes stand for is as near to the exact rows as their absmax lets it be.
 * @param dtype in which the rows were quantized
 * @param exact whole blocks
 * @param scales absmax of each block as written; unless it is nested, it must be that of the exact values
 * @returns the largest error as a share of what is allowed: at most 1 when all is well
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
    // A code is the nearest one by the true absmax; an absmax that is off itself stretches it.
    const allowed = nf4Reach * (largest + rounding) + off + rounding;
    for (let i = start; i < end; i++) {
      worst = Math.max(worst, Math.abs(written[i]! - values[i]!) / allowed);
    }
  }
  return worst;
}
