import { describe, expect, it } from 'vitest';
import type { ElementType } from '../gpu/tensor.ts';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { testGpu } from '../../testing/gpu.ts';
import { needF16 } from '../../testing/needs.ts';
import { asStored, submit, toleranceOf } from '../../testing/kernels.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { dropout } from './dropout.ts';
import { dropoutMask, randomBits } from './dropout.ref.ts';

describe('dropout', () => {
  it.for([
    ['f32', 'f32', 1, 0.5, 0],
    ['f32', 'f32', 1000, 0.05, 1],
    ['f16', 'f16', 777, 0.1, 0xffffffff],
    ['f16', 'f32', 257, 0.9, 12345],
    ['f32', 'f16', 257, 0.3, 0x80000000],
  ] as [ElementType, ElementType, number, number, number][])(
    'from %s to %s, %i elements, p %d, seed %i: keeps and scales what the mask says',
    async ([typeX, typeY, count, p, seed], context) => {
      const gpu = await testGpu();
      if (typeX === 'f16' || typeY === 'f16') needF16(context, gpu);
      const values = asStored(
        randomArray(1, count).map((v) => v + 2),
        typeX,
      );
      const x = tensorOf(gpu, values, [count], typeX);
      const y = tensorOf(gpu, randomArray(2, count), [count], typeY);
      submit(gpu, (commands) => dropout(commands, { x, y, count, p, seed, accumulate: false }));
      const result = await readFloats(gpu, y);
      const mask = dropoutMask(seed, count, p);
      expect([...result].map((v) => v !== 0)).toEqual(mask);
      const expected = values.map((v, i) => (mask[i] ? v / (1 - p) : 0));
      expectClose(result, expected, toleranceOf(typeY, { atol: 0, rtol: 1e-6 }));
    },
  );

  it('repeats the mask on a gradient and accumulates', async () => {
    const gpu = await testGpu();
    const [count, p, seed] = [600, 0.25, 99];
    const gradient = randomArray(3, count);
    const before = randomArray(4, count);
    const y = tensorOf(gpu, before, [count]);
    const x = tensorOf(gpu, gradient, [count]);
    submit(gpu, (commands) => dropout(commands, { x, y, count, p, seed, accumulate: true }));
    const mask = dropoutMask(seed, count, p);
    const expected = before.map((v, i) => v + (mask[i] ? gradient[i]! / (1 - p) : 0));
    expectClose(await readFloats(gpu, y), expected, { atol: 1e-6 });
  });

  it('accumulates into columns of wider rows', async () => {
    const gpu = await testGpu();
    const [rows, columns, ldy] = [5, 7, 11];
    const count = rows * columns;
    const options = { count, p: 0.25, seed: 99, accumulate: true, columns, ldy };
    const [gradient, before] = [randomArray(6, count), randomArray(7, rows * ldy)];
    const y = tensorOf(gpu, before, [rows, ldy]);
    const x = tensorOf(gpu, gradient, [count]);
    submit(gpu, (commands) => dropout(commands, { x, y, ...options }));
    const mask = dropoutMask(options.seed, count, options.p);
    const expected = before.map((v, at) => {
      const [row, column] = [Math.floor(at / ldy), at % ldy];
      const i = row * columns + column;
      return column < columns && mask[i] ? v + gradient[i]! / 0.75 : v;
    });
    expectClose(await readFloats(gpu, y), expected, { atol: 1e-6 });
  });

  it('with p = 0 is the identity', async () => {
    const gpu = await testGpu();
    const values = randomArray(5, 300);
    const y = zeros(gpu, [300]);
    const x = tensorOf(gpu, values, [300]);
    submit(gpu, (commands) => dropout(commands, { x, y, count: 300, p: 0, seed: 5, accumulate: false }));
    expectClose(await readFloats(gpu, y), values);
  });
});

describe('the mask of dropout', () => {
  const count = 1 << 16;

  it.each([0.05, 0.1, 0.5, 0.9])('drops %d of the elements', (p) => {
    for (const seed of [0, 1, 2, 1000, 0xdeadbeef]) {
      const dropped = dropoutMask(seed, count, p).filter((survives) => !survives).length;
      // Five standard deviations of a binomial.
      expect(Math.abs(dropped - p * count)).toBeLessThan(5 * Math.sqrt(p * (1 - p) * count));
    }
  });

  it('is independent between seeds, close or far, aligned or shifted', () => {
    const base = dropoutMask(7, count, 0.5);
    for (const seed of [0, 6, 8, 9, 7 + 256, 7 + 65536, 0x80000007]) {
      const other = dropoutMask(seed, count, 0.5);
      for (const shift of [0, 1, 2, 64, 256, 4096]) {
        expect(Math.abs(agreements(base, other, shift) - 0.5)).toBeLessThan(0.01);
      }
    }
  });

  it('is independent along and across rows', () => {
    const mask = dropoutMask(11, count, 0.5);
    for (const lag of [1, 2, 3, 8, 64, 128, 896, 4096]) {
      expect(Math.abs(agreements(mask, mask, lag) - 0.5)).toBeLessThan(0.01);
    }
  });

  it('uses a hash that is a bijection over indices', () => {
    const seen = new Set(Array.from({ length: 10_000 }, (_, i) => randomBits(3, i)));
    expect(seen.size).toBe(10_000);
  });
});

/** Fraction of i for which a[i] equals b[i + shift], with wrap-around. */
function agreements(a: boolean[], b: boolean[], shift: number): number {
  return a.filter((survives, i) => survives === b[(i + shift) % b.length]).length / a.length;
}
