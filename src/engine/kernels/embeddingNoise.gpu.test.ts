import { expect, it } from 'vitest';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { testGpu } from '../../testing/gpu.ts';
import { submit } from '../../testing/kernels.ts';
import { tensorOf } from '../../testing/tensors.ts';
import { embeddingNoise } from './embeddingNoise.ts';
import { embeddingNoiseRef } from './embeddingNoise.ref.ts';

it.each([
  [[1], 1],
  [[5, 1, 12], 33],
  [[40, 7], 130],
])('noise on rows of %j tokens and %i columns matches the reference', async (lengths, columns) => {
  const gpu = await testGpu();
  const rows = lengths.reduce((sum, length) => sum + length, 0);
  const starts = lengths.map((_, i) => lengths.slice(0, i).reduce((sum, length) => sum + length, 0));
  const perToken = (of: (segment: number) => number) =>
    tensorOf(gpu, Uint32Array.from(lengths.flatMap((n, i) => Array.from({ length: n }, () => of(i)))), [
      rows,
    ]);
  const before = randomArray(1, rows * columns);
  const y = tensorOf(gpu, before, [rows, columns]);
  const segments = {
    segmentStart: perToken((i) => starts[i]!),
    segmentEnd: perToken((i) => starts[i]! + lengths[i]!),
  };
  const alpha = 5;
  submit(gpu, (commands) => embeddingNoise(commands, { y, ...segments, rows, columns, alpha, seed: 77 }));
  const noise = embeddingNoiseRef(lengths, columns, alpha, 77);
  const found = await readFloats(gpu, y);
  expectClose(
    found,
    before.map((value, i) => value + noise[i]!),
    { atol: 1e-6, rtol: 1e-6 },
  );
  // Uniform: within the bound, and spread over all of it.
  const bounds = lengths.flatMap((n) =>
    Array.from({ length: n * columns }, () => alpha / Math.sqrt(n * columns)),
  );
  const shares = noise.map((value, i) => value / bounds[i]!);
  expect(Math.max(...shares.map(Math.abs))).toBeLessThanOrEqual(1);
  if (shares.length > 500) {
    expect(Math.abs(shares.reduce((sum, share) => sum + share, 0)) / shares.length).toBeLessThan(0.1);
    expect(shares.reduce((sum, share) => sum + share ** 2, 0) / shares.length).toBeCloseTo(1 / 3, 1);
  }
});
