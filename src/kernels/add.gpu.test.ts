import { describe, expect, it } from 'vitest';
import type { ElementType } from '../gpu/tensor.ts';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../testing/compare.ts';
import { testGpu } from '../testing/gpu.ts';
import { asStored, submit, toleranceOf } from '../testing/kernels.ts';
import { tensorOf } from '../testing/tensors.ts';
import { add, biasAdd } from './add.ts';
import { addRef, biasAddRef } from './add.ref.ts';

const close = { atol: 1e-7, rtol: 1e-6 };

describe.each<ElementType>(['f32', 'f16'])('add and biasAdd with %s', (type) => {
  it.each([1, 255, 256, 257, 1500])('add of %i equals the reference', async (count) => {
    const gpu = await testGpu();
    if (type === 'f16' && !gpu.hasF16) return;
    const x = asStored(randomArray(1, count), type);
    const before = randomArray(2, count + 3);
    const y = tensorOf(gpu, before, [count + 3]);
    submit(gpu, (commands) => add(commands, { x: tensorOf(gpu, x, [count], type), y, count }));
    const result = await readFloats(gpu, y);
    expectClose(result.slice(0, count), addRef(x, before.slice(0, count)), close);
    expectClose(result.slice(count), before.slice(count));
  });

  it.each([
    [1, 1],
    [3, 5],
    [7, 129],
    [2, 512],
  ])('biasAdd of %i x %i equals the reference', async (rows, dim) => {
    const gpu = await testGpu();
    if (type === 'f16' && !gpu.hasF16) return;
    const before = asStored(randomArray(3, rows * dim), type);
    const bias = randomArray(4, dim);
    const y = tensorOf(gpu, before, [rows, dim], type);
    submit(gpu, (commands) => biasAdd(commands, { y, bias: tensorOf(gpu, bias, [dim]), rows }));
    expectClose(await readFloats(gpu, y), biasAddRef(before, bias), toleranceOf(type, close));
  });
});

it('biasAdd saturates f16 instead of overflowing', async () => {
  const gpu = await testGpu();
  if (!gpu.hasF16) return;
  const y = tensorOf(gpu, Float32Array.of(6e4, -6e4), [1, 2], 'f16');
  const bias = tensorOf(gpu, Float32Array.of(6e4, -6e4), [2]);
  submit(gpu, (commands) => biasAdd(commands, { y, bias, rows: 1 }));
  expect([...(await readFloats(gpu, y))]).toEqual([65504, -65504]);
});
