import { Matrix, SingularValueDecomposition } from 'ml-matrix';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../lib/random.ts';
import { principalFactors, type PlainMatrix, type SvdMethod } from './principalFactors.ts';

/** A matrix whose singular values fall as those of trained weights do: fast at first, then slowly. */
function weights(rows: number, cols: number, decay = 0.8): PlainMatrix {
  const random = createRandom(rows * 1000 + cols);
  const values = Float32Array.from({ length: rows * cols }, () => 0.02 * random.normal());
  for (let k = 0; k < 12; k++) {
    const [u, v] = [rows, cols].map((n) => Float64Array.from({ length: n }, () => random.normal()));
    for (let row = 0; row < rows; row++)
      for (let col = 0; col < cols; col++)
        values[row * cols + col]! += decay ** k * u![row]! * v![col]! * 0.1;
  }
  return { values, rows, cols };
}

const matrixOf = ({ values, rows, cols }: PlainMatrix) => Matrix.from1DArray(rows, cols, [...values]);
const pause = () => Promise.resolve();

async function factorsOf(w: PlainMatrix, rank: number, scale: number, method: SvdMethod) {
  const { a, b } = await principalFactors(w, rank, scale, method, pause);
  const [left, right] = [Matrix.from1DArray(w.rows, rank, [...b]), Matrix.from1DArray(rank, w.cols, [...a])];
  const rest = Matrix.sub(matrixOf(w), left.mmul(right).mul(scale)).norm('frobenius');
  return { left, right, rest };
}

const sizes: [number, number, number, number][] = [
  [24, 17, 3, 2],
  [17, 24, 5, 0.5],
  [40, 40, 8, 4 / 3],
  [7, 90, 7, 1],
  [33, 5, 1, 16],
];

describe.each(sizes)('PiSSA of %i × %i, rank %i, scale %f', (rows, cols, rank, scale) => {
  const w = weights(rows, cols);
  const svd = new SingularValueDecomposition(matrixOf(w), { autoTranspose: true });
  const best = Math.hypot(...svd.diagonal.slice(rank));

  it.each<[string, SvdMethod, number]>([
    ['exactly', { iterations: null }, 1e-5],
    ['by 16 passes', { iterations: 16, random: createRandom(1) }, 1e-5],
    ['by 1 pass', { iterations: 1, random: createRandom(2) }, 0.25],
  ])('%s is the nearest matrix of that rank', async (_name, method, tolerance) => {
    const { rest } = await factorsOf(w, rank, scale, method);
    const whole = matrixOf(w).norm('frobenius');
    expect(rest).toBeGreaterThan(best - 1e-6 * whole);
    expect(rest - best).toBeLessThan(tolerance * best + 1e-6 * whole);
  });

  it('gives A and B the same lengths: the roots of the singular values over the scale', async () => {
    const { left, right } = await factorsOf(w, rank, scale, { iterations: null });
    for (let k = 0; k < rank; k++) {
      const root = Math.sqrt(svd.diagonal[k]! / scale);
      expect(left.getColumnVector(k).norm('frobenius')).toBeCloseTo(root, 5);
      expect(right.getRowVector(k).norm('frobenius')).toBeCloseTo(root, 5);
      for (let other = 0; other < k; other++) {
        expect(Math.abs(left.getColumnVector(k).dot(left.getColumnVector(other)))).toBeLessThan(
          1e-5 * root ** 2,
        );
      }
    }
  });
});

it('a matrix of lower rank than asked for leaves the rest zero', async () => {
  const [rows, cols] = [6, 5];
  const values = Float32Array.from({ length: rows * cols }, (_, i) => Math.floor(i / cols));
  for (const method of [{ iterations: null }, { iterations: 4, random: createRandom(3) }] as SvdMethod[]) {
    const { left, right, rest } = await factorsOf({ values, rows, cols }, 3, 1, method);
    expect(rest).toBeLessThan(1e-5);
    for (const matrix of [left, right]) expect(matrix.to1DArray().every(Number.isFinite)).toBe(true);
  }
});

it('the same seed gives the same bits, and a pause that throws ends the work', async () => {
  const w = weights(20, 30);
  const run = (seed: number) =>
    principalFactors(w, 4, 1, { iterations: 2, random: createRandom(seed) }, pause);
  expect(await run(5)).toEqual(await run(5));
  expect(await run(5)).not.toEqual(await run(6));
  let passes = 0;
  const stopped = principalFactors(w, 4, 1, { iterations: 2, random: createRandom(5) }, () => {
    passes++;
    return passes === 3 ? Promise.reject(new Error('stopped')) : Promise.resolve();
  });
  await expect(stopped).rejects.toThrow('stopped');
  expect(passes).toBe(3);
});
