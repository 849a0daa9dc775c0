import { describe, expect, it } from 'vitest';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { testGpu } from '../../testing/gpu.ts';
import { submit } from '../../testing/kernels.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { gradNormRef } from './adamW.ref.ts';
import { gradNorm } from './gradNorm.ts';
import { PARTIALS } from './sum.ts';

/** The norm of `values`, computed twice to check that it is deterministic. */
async function normOf(values: Float32Array): Promise<number> {
  const gpu = await testGpu();
  const grads = tensorOf(gpu, values, [values.length]);
  const partials = tensorOf(gpu, randomArray(5, PARTIALS), [PARTIALS]);
  const stats = zeros(gpu, [3]);
  submit(gpu, (commands) => {
    gradNorm(commands, { grads: [grads], partials, stats, index: 1 });
    gradNorm(commands, { grads: [grads], partials, stats, index: 2 });
  });
  const [untouched, norm, again] = await readFloats(gpu, stats);
  expect(untouched).toBe(0);
  expect(again).toBe(norm);
  return norm!;
}

describe('gradNorm', () => {
  it.each([1, 2, 255, 256, 257, 70_001])('of %i gradients matches the reference', async (count) => {
    const values = randomArray(1, count);
    expectClose([await normOf(values)], [gradNormRef(values)], { rtol: 2e-6 });
  });

  it('of zeros is zero', async () => {
    expect(await normOf(new Float32Array(1000))).toBe(0);
  });

  it.each([1e-12, 1e13, 1e14, 1e15, 1e20, 1e30])(
    'neither overflows nor underflows at scale %d',
    async (scale) => {
      const values = randomArray(2, 3000, scale);
      expectClose([await normOf(values)], [gradNormRef(values)], { rtol: 4e-6 });
    },
  );

  it('handles large and small gradients together', async () => {
    const values = randomArray(3, 2000);
    values[77] = 3e38;
    values[1500] = -1e20;
    expectClose([await normOf(values)], [gradNormRef(values)], { rtol: 2e-6 });
  });

  it.each([
    ['NaN', NaN],
    ['Infinity', Infinity],
    ['-Infinity', -Infinity],
  ])('is infinite when a gradient is %s', async (_name, broken) => {
    for (const at of [0, 511, 1999]) {
      const values = randomArray(4, 2000);
      values[at] = broken;
      expect(await normOf(values)).toBe(Infinity);
    }
  });

  it('is infinite if it exceeds f32', async () => {
    expect(await normOf(new Float32Array(1000).fill(3e38))).toBe(Infinity);
  });
});
