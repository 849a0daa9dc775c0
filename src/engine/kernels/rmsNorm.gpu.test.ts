import { describe, expect, it } from 'vitest';
import type { ElementType } from '../gpu/tensor.ts';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { finiteDifference } from '../../testing/finiteDifference.ts';
import { testGpu } from '../../testing/gpu.ts';
import { needF16 } from '../../testing/needs.ts';
import { asStored, submit, toleranceOf } from '../../testing/kernels.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { rmsNorm, rmsNormBackward } from './rmsNorm.ts';
import { rmsNormBackwardRef, rmsNormRef } from './rmsNorm.ref.ts';

const shapes = [
  [1, 1],
  [3, 63],
  [7, 64],
  [5, 65],
  [2, 896],
] as const;
/** Storage of x and y; in a model x is the f32 residual stream and y an activation. */
const types: [ElementType, ElementType][] = [
  ['f32', 'f32'],
  ['f32', 'f16'],
  ['f16', 'f16'],
  ['f16', 'f32'],
];
const eps = 1e-6;

describe.each(shapes)('rmsNorm of %i x %i', (rows, dim) => {
  const weight = randomArray(2, dim);
  const dy = randomArray(3, rows * dim);

  it.for(types)('forward equals the reference, x %s, y %s', async ([typeX, typeY], context) => {
    const gpu = await testGpu();
    if (typeX === 'f16' || typeY === 'f16') needF16(context, gpu);
    const x = asStored(randomArray(1, rows * dim), typeX);
    const y = zeros(gpu, [rows, dim], typeY);
    const rstd = zeros(gpu, [rows]);
    const inputs = { x: tensorOf(gpu, x, [rows, dim], typeX), weight: tensorOf(gpu, weight, [dim]) };
    submit(gpu, (commands) => rmsNorm(commands, { ...inputs, y, rstd, rows, eps }));
    const expected = rmsNormRef(x, weight, rows, eps);
    expectClose(await readFloats(gpu, y), expected.y, toleranceOf(typeY, { atol: 1e-6, rtol: 1e-5 }));
    expectClose(await readFloats(gpu, rstd), expected.rstd, { atol: 1e-6, rtol: 1e-5 });
  });

  it.for(['f32', 'f16'] as const)(
    'backward equals the reference and adds to dx, x %s',
    async (type, context) => {
      const gpu = await testGpu();
      if (type === 'f16') needF16(context, gpu);
      const x = asStored(randomArray(1, rows * dim), type);
      const rstd = tensorOf(gpu, Float32Array.from(rmsNormRef(x, weight, rows, eps).rstd), [rows]);
      const before = randomArray(4, rows * dim);
      const dx = tensorOf(gpu, before, [rows, dim]);
      const inputs = {
        dy: tensorOf(gpu, dy, [rows, dim]),
        x: tensorOf(gpu, x, [rows, dim], type),
        weight: tensorOf(gpu, weight, [dim]),
        rstd,
      };
      submit(gpu, (commands) => rmsNormBackward(commands, { ...inputs, dx, rows, accumulate: true }));
      const gradient = rmsNormBackwardRef(dy, x, weight, rows, eps);
      const sum = gradient.map((v, i) => v + before[i]!);
      expectClose(await readFloats(gpu, dx), sum, { atol: 1e-5, rtol: 1e-4 });
      submit(gpu, (commands) => rmsNormBackward(commands, { ...inputs, dx, rows, accumulate: false }));
      expectClose(await readFloats(gpu, dx), gradient, { atol: 1e-5, rtol: 1e-4 });
    },
  );

  it('the reference backward matches finite differences', () => {
    const x = randomArray(1, rows * dim);
    const loss = (at: ArrayLike<number>) =>
      rmsNormRef(at, weight, rows, eps).y.reduce((s, v, i) => s + v * dy[i]!, 0);
    const indices = [0, Math.floor((rows * dim) / 2), rows * dim - 1];
    const gradient = rmsNormBackwardRef(dy, x, weight, rows, eps);
    for (const i of indices) expect(gradient[i]).toBeCloseTo(finiteDifference(loss, x, i), 4);
  });
});

/** Whether the norm has weights, what is added to them, and whether the result is added to something. */
const forms = [
  { weighted: true, offset: 1, added: false },
  { weighted: false, offset: 0, added: false },
  { weighted: true, offset: 1, added: true },
  { weighted: true, offset: 0, added: true },
];

describe.each(forms)('rmsNorm, weights $weighted, plus $offset, added $added', (form) => {
  it.each([
    [3, 63],
    [2, 896],
  ])('equals the reference forward and backward, %i x %i', async (rows, dim) => {
    const gpu = await testGpu();
    const values = randomArray(1, rows * dim);
    const stored = randomArray(2, dim);
    const factors = stored.map((w) => (form.weighted ? form.offset + w : 1));
    const residual = randomArray(5, rows * dim);
    const y = zeros(gpu, [rows, dim]);
    const rstd = zeros(gpu, [rows]);
    const norm = {
      x: tensorOf(gpu, values, [rows, dim]),
      weight: form.weighted ? tensorOf(gpu, stored, [dim]) : null,
      offset: form.offset,
      rstd,
      rows,
    };
    const sum = form.added ? tensorOf(gpu, residual, [rows, dim]) : null;
    const dy = randomArray(3, rows * dim);
    const dx = zeros(gpu, [rows, dim]);
    submit(gpu, (commands) => {
      rmsNorm(commands, { ...norm, y, eps, residual: sum });
      rmsNormBackward(commands, { ...norm, dy: tensorOf(gpu, dy, [rows, dim]), dx, accumulate: false });
    });
    const expected = rmsNormRef(values, factors, rows, eps);
    const wanted = expected.y.map((value, i) => value + (form.added ? residual[i]! : 0));
    expectClose(await readFloats(gpu, y), wanted, { atol: 1e-6, rtol: 1e-5 });
    expectClose(await readFloats(gpu, rstd), expected.rstd, { atol: 1e-6, rtol: 1e-5 });
    const gradient = rmsNormBackwardRef(dy, values, factors, rows, eps);
    expectClose(await readFloats(gpu, dx), gradient, { atol: 1e-5, rtol: 1e-4 });
  });
});

it('rmsNorm saturates f16 instead of overflowing', async (context) => {
  const gpu = await testGpu();
  needF16(context, gpu);
  const y = zeros(gpu, [1, 2], 'f16');
  const inputs = {
    x: tensorOf(gpu, Float32Array.of(3, -3), [1, 2]),
    weight: tensorOf(gpu, Float32Array.of(1e6, 1e6), [2]),
  };
  submit(gpu, (commands) => rmsNorm(commands, { ...inputs, y, rstd: zeros(gpu, [1]), rows: 1, eps }));
  expect([...(await readFloats(gpu, y))]).toEqual([65504, -65504]);
});
