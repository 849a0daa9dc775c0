import { Matrix } from 'ml-matrix';
import type { Random } from '../lib/random.ts';
import { nearestOfRank, nearestToProduct, type Factors } from './lowRank.ts';
import { orthonormalize } from './orthonormalize.ts';

/** How singular vectors are found: exactly, or by passes of subspace iteration from random vectors. */
export type SvdMethod = { iterations: null } | { iterations: number; random: Random };

/** A matrix off the GPU, row after row. */
export interface PlainMatrix {
  /** [rows, cols] */
  values: Float32Array;
  rows: number;
  cols: number;
}

/**
 * PiSSA's factors of a matrix W (Meng et al., 2024): B = U √(S / scale) [rows, rank] and A = √(S / scale) Vᵀ [rank, cols]
 * of the largest singular values, so that scale · B A is of all matrices of this rank the nearest to W. Sums are f64.
 * With iterations it is the nearest in a space found by them, as in torch.svd_lowrank.
 * @param rank at most the shorter side
 * @param pause awaited between passes over the matrix; may throw to end the work
 */
export async function principalFactors(
  w: PlainMatrix,
  rank: number,
  scale: number,
  method: SvdMethod,
  pause: () => Promise<void>,
): Promise<Factors> {
  if (method.iterations === null) return balanced(nearestOfRank(matrixOf(w), rank), w, rank, scale);
  // torch's get_approximate_basis: the range of W (Wᵀ W)^n R.
  let basis = Array.from({ length: rank }, () =>
    Float64Array.from({ length: w.cols }, () => method.random.normal()),
  );
  for (let pass = 0; pass <= method.iterations; pass++) {
    if (pass > 0) basis = await orthonormalOf(timesTransposed(w, basis), pause);
    basis = await orthonormalOf(times(w, basis), pause);
  }
  const left = new Matrix(basis).transpose();
  const right = new Matrix(timesTransposed(w, basis));
  return balanced(nearestToProduct(left, right, rank), w, rank, scale);
}

async function orthonormalOf<V extends Float64Array[]>(vectors: V, pause: () => Promise<void>): Promise<V> {
  orthonormalize(vectors);
  await pause();
  return vectors;
}

/** W v of each vector [cols]. */
function times(
  { values, rows, cols }: PlainMatrix,
  vectors: readonly Float64Array[],
): Float64Array<ArrayBuffer>[] {
  return vectors.map((vector) => {
    const product = new Float64Array(rows);
    for (let row = 0, at = 0; row < rows; row++) {
      let sum = 0;
      for (let col = 0; col < cols; col++, at++) sum += values[at]! * vector[col]!;
      product[row] = sum;
    }
    return product;
  });
}

/** Wᵀ v of each vector [rows]. */
function timesTransposed(
  { values, rows, cols }: PlainMatrix,
  vectors: readonly Float64Array[],
): Float64Array<ArrayBuffer>[] {
  return vectors.map((vector) => {
    const product = new Float64Array(cols);
    for (let row = 0, at = 0; row < rows; row++) {
      const factor = vector[row]!;
      for (let col = 0; col < cols; col++, at++) product[col]! += factor * values[at]!;
    }
    return product;
  });
}

function matrixOf({ values, rows, cols }: PlainMatrix): Matrix {
  return new Matrix(
    Array.from({ length: rows }, (_, row) =>
      Float64Array.from(values.subarray(row * cols, (row + 1) * cols)),
    ),
  );
}

/** Moves half of each singular value, which are the lengths of B's columns, to A, and divides by the scale. */
function balanced({ a, b }: Factors, { rows, cols }: PlainMatrix, rank: number, scale: number): Factors {
  for (let k = 0; k < rank; k++) {
    let squares = 0;
    for (let row = 0; row < rows; row++) squares += b[row * rank + k]! ** 2;
    const value = Math.sqrt(squares);
    if (value === 0) continue;
    const root = Math.sqrt(value / scale);
    for (let col = 0; col < cols; col++) a[k * cols + col]! *= root;
    for (let row = 0; row < rows; row++) b[row * rank + k]! *= root / value;
  }
  return { a, b };
}
