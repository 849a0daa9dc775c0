import { codebooks } from '../../../content/formats/quantized/codebooks.ts';
import { f16ToF32, f32ToF16 } from '../../../base/lib/floats.ts';
import { createRandom } from '../../../base/lib/random.ts';

/** A product x · w: x is [m, k], w is [k, n], the result [m, n]. */
export interface ProductShape {
  m: number;
  n: number;
  k: number;
}

/** Columns of wᵀ that share a scale: QLoRA's block size and the usual int4 group size. */
export const NF4_BLOCK = 64;
export const INT4_GROUP = 32;

/** int4 stores codes 0 … 15 for −8 … 7. */
export const INT4_ZERO = 8;

/** A matrix [rows, cols] in 4 bits. */
export interface FourBit {
  /** [rows · cols], 0 … 15. */
  codes: Uint8Array;
  /** One per `block` columns of a row. */
  scales: Float32Array;
  block: number;
  /** [rows · cols], the dequantized values. */
  values: Float32Array;
}

/** The factors of a product, w in the forms that the contestants need. */
export interface Product extends ProductShape {
  x: Float32Array<ArrayBuffer>;
  /** w as [k, n], and as [n, k]. */
  w: Float32Array<ArrayBuffer>;
  wt: Float32Array<ArrayBuffer>;
}

/** Random factors in [−1, 1); the same shape gives the same values. */
export function makeProduct({ m, n, k }: ProductShape): Product {
  const random = createRandom(m + 3 * n + 7 * k);
  const noise = (length: number) => Float32Array.from({ length }, () => 2 * random.next() - 1);
  const w = noise(k * n);
  return { m, n, k, x: noise(m * k), w, wt: transposed(w, k, n) };
}

/** The transpose [cols, rows] of a matrix [rows, cols]. */
export function transposed<T extends Float32Array | Uint8Array>(matrix: T, rows: number, cols: number): T {
  const out = matrix.slice();
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) out[col * rows + row] = matrix[row * cols + col]!;
  }
  return out as T;
}

/** Random codes and scales of a matrix [rows, cols]; scales are exact in f16. */
export function makeFourBit(kind: 'nf4' | 'int4', rows: number, cols: number): FourBit {
  const random = createRandom(rows + 5 * cols);
  const block = kind === 'nf4' ? NF4_BLOCK : INT4_GROUP;
  const codes = Uint8Array.from({ length: rows * cols }, () => random.below(16));
  const count = (rows * cols) / block;
  const scales = f16ToF32(f32ToF16(Float32Array.from({ length: count }, () => 0.05 + 0.1 * random.next())));
  const book = kind === 'nf4' ? codebooks.nf4 : Array.from({ length: 16 }, (_, code) => code - INT4_ZERO);
  const values = Float32Array.from(codes, (code, i) => book[code]! * scales[Math.floor(i / block)]!);
  return { codes, scales, block, values };
}

/**
 * The root mean square of a result's error relative to that of the expected values, over some elements summed in f64.
 * @param w [k, n], or with `byRow` false its transpose [n, k]
 */
export function errorOf(
  result: Float32Array,
  { m, n, k }: ProductShape,
  x: Float32Array,
  w: Float32Array,
  byRow: boolean,
): number {
  const random = createRandom(1);
  let [wrong, size] = [0, 0];
  for (let sample = 0; sample < 256; sample++) {
    const [row, col] = [random.below(m), random.below(n)];
    let sum = 0;
    for (let i = 0; i < k; i++) sum += x[row * k + i]! * (byRow ? w[i * n + col]! : w[col * k + i]!);
    wrong += (result[row * n + col]! - sum) ** 2;
    size += sum ** 2;
  }
  return Math.sqrt(wrong / size);
}

/** The maximum difference of two results, relative to the root mean square of the second. */
export function differenceOf(result: Float32Array, expected: Float32Array): number {
  if (result.length !== expected.length) return Infinity;
  let [worst, size] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(result[i]! - expected[i]!);
    // A NaN must not pass for a small difference.
    if (!(difference <= worst)) worst = Number.isNaN(difference) ? Infinity : difference;
    size += expected[i]! ** 2;
  }
  return worst / Math.sqrt(size / expected.length);
}
