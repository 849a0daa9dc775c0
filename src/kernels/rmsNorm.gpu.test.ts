import { describe, expect, it } from 'vitest';
import { expectClose, randomArray } from '../testing/compare.ts';
import { finiteDifference } from '../testing/finiteDifference.ts';
import { testGpu } from '../testing/gpu.ts';
import { tensorOf, zeros } from '../testing/tensors.ts';
import { readFloats } from '../gpu/transfer.ts';
import { rmsNorm, rmsNormBackward } from './rmsNorm.ts';
import { rmsNormBackwardRef, rmsNormRef } from './rmsNorm.ref.ts';

const shapes = [
  [1, 1],
  [3, 63],
  [7, 64],
  [5, 65],
  [2, 896],
] as const;
const eps = 1e-6;

describe.each(shapes)('rmsNorm of %i x %i', (rows, dim) => {
  const x = randomArray(1, rows * dim);
  const weight = randomArray(2, dim);
  const dy = randomArray(3, rows * dim);

  it('forward equals the reference', async () => {
    const gpu = await testGpu();
    const y = zeros(gpu, [rows, dim]);
    const rstd = zeros(gpu, [rows]);
    const commands = gpu.commands();
    rmsNorm(commands, { x: tensorOf(gpu, x, [rows, dim]), weight: tensorOf(gpu, weight, [dim]), y, rstd, rows, eps });
    commands.submit();
    const expected = rmsNormRef(x, weight, rows, eps);
    expectClose(await readFloats(gpu, y), expected.y, { atol: 1e-6, rtol: 1e-5 });
    expectClose(await readFloats(gpu, rstd), expected.rstd, { atol: 1e-6, rtol: 1e-5 });
  });

  it('backward equals the reference and adds to dx', async () => {
    const gpu = await testGpu();
    const rstd = tensorOf(gpu, Float32Array.from(rmsNormRef(x, weight, rows, eps).rstd), [rows]);
    const before = randomArray(4, rows * dim);
    const dx = tensorOf(gpu, before, [rows, dim]);
    const commands = gpu.commands();
    rmsNormBackward(commands, {
      dy: tensorOf(gpu, dy, [rows, dim]),
      x: tensorOf(gpu, x, [rows, dim]),
      weight: tensorOf(gpu, weight, [dim]),
      rstd,
      dx,
      rows,
      accumulate: true,
    });
    commands.submit();
    const expected = rmsNormBackwardRef(dy, x, weight, rows, eps).map((v, i) => v + before[i]!);
    expectClose(await readFloats(gpu, dx), expected, { atol: 1e-5, rtol: 1e-4 });
  });

  it('the reference backward equals finite differences', () => {
    const loss = (at: ArrayLike<number>) => rmsNormRef(at, weight, rows, eps).y.reduce((s, v, i) => s + v * dy[i]!, 0);
    const indices = [0, Math.floor((rows * dim) / 2), rows * dim - 1];
    const gradient = rmsNormBackwardRef(dy, x, weight, rows, eps);
    for (const i of indices) expect(gradient[i]).toBeCloseTo(finiteDifference(loss, x, i), 4);
  });
});
