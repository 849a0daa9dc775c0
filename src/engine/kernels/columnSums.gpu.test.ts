import { describe, expect, it } from 'vitest';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { finiteDifference } from '../../testing/finiteDifference.ts';
import { testGpu } from '../../testing/gpu.ts';
import { needF16 } from '../../testing/needs.ts';
import { asStored, submit } from '../../testing/kernels.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { columnSumsRef } from './columnSums.ref.ts';
import { addColumnSums, addNormGradient, columnSumSlices } from './columnSums.ts';
import { rmsNormRef } from './rmsNorm.ref.ts';

const eps = 1e-6;
const close = { atol: 2e-5, rtol: 2e-5 };

describe.each([
  [1, 1],
  [3, 63],
  [32, 64],
  [33, 65],
  [301, 130],
] as const)('columns of %i x %i', (rows, columns) => {
  const size = rows * columns;
  const dy = randomArray(3, size);
  const before = randomArray(4, columns);
  const slices = columnSumSlices(rows);

  it('match the reference', async () => {
    const gpu = await testGpu();
    const sums = tensorOf(gpu, before, [columns]);
    const partials = zeros(gpu, [slices, columns]);
    const summed = { dy: tensorOf(gpu, dy, [rows, columns]), rows, columns, sums, partials };
    submit(gpu, (commands) => addColumnSums(commands, summed));
    const expected = columnSumsRef(dy, [rows, columns]).map((sum, i) => sum + before[i]!);
    expectClose(await readFloats(gpu, sums), expected, close);
  });

  it('of a column range of wider rows match the reference', async () => {
    const gpu = await testGpu();
    const stride = columns + 7;
    const wide = randomArray(5, rows * stride);
    const sums = zeros(gpu, [columns]);
    const summed = { dy: tensorOf(gpu, wide, [rows, stride]), rows, columns, stride, start: 4, sums };
    submit(gpu, (commands) =>
      addColumnSums(commands, { ...summed, partials: zeros(gpu, [slices, columns]) }),
    );
    const part = Float32Array.from({ length: size }, (_, i) => {
      return wide[Math.floor(i / columns) * stride + 4 + (i % columns)]!;
    });
    expectClose(await readFloats(gpu, sums), columnSumsRef(part, [rows, columns]), close);
  });

  it.for(['f32', 'f16'] as const)('give the gradient of a norm’s weight, x %s', async (type, context) => {
    const gpu = await testGpu();
    if (type === 'f16') needF16(context, gpu);
    const x = asStored(randomArray(1, size), type);
    const { rstd } = rmsNormRef(x, new Float32Array(columns).fill(1), rows, eps);
    const sums = tensorOf(gpu, before, [columns]);
    const partials = zeros(gpu, [slices, columns]);
    const summed = { dy: tensorOf(gpu, dy, [rows, columns]), rows, columns, sums, partials };
    const of = {
      x: tensorOf(gpu, x, [rows, columns], type),
      rstd: tensorOf(gpu, Float32Array.from(rstd), [rows]),
    };
    submit(gpu, (commands) => addNormGradient(commands, summed, of));
    const gradient = columnSumsRef(dy, [rows, columns], { x, rstd });
    const expected = gradient.map((sum, i) => sum + before[i]!);
    expectClose(await readFloats(gpu, sums), expected, close);
  });

  it('have a reference that matches finite differences of the norm', () => {
    const x = randomArray(1, size);
    const weight = randomArray(2, columns);
    const loss = (at: ArrayLike<number>) =>
      rmsNormRef(x, at, rows, eps).y.reduce((sum, y, i) => sum + y * dy[i]!, 0);
    const { rstd } = rmsNormRef(x, weight, rows, eps);
    const gradient = columnSumsRef(dy, [rows, columns], { x, rstd });
    for (const i of [0, Math.floor(columns / 2), columns - 1]) {
      expect(gradient[i]).toBeCloseTo(finiteDifference(loss, weight, i), 4);
    }
  });
});
