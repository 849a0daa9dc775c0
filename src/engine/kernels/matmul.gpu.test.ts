import { describe, expect, it } from 'vitest';
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from '../../base/lib/floats.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { readFloats, upload } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { testGpu } from '../../testing/gpu.ts';
import { needF16, needSubgroups } from '../../testing/needs.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { matmul } from './matmul.ts';
import { matmulVariants, type MatmulLayout, type MatmulVariant } from './matmulVariants.ts';
import { matmulRef } from './matmul.ref.ts';

const layouts: MatmulLayout[] = ['NT', 'NN', 'TN'];
const shapes = [
  [1, 1, 1],
  [1, 70, 33],
  [5, 8, 172],
  [65, 63, 17],
  [70, 130, 37],
  [3, 257, 64],
] as const;
const close = { atol: 2e-5, rtol: 2e-5 };

describe.each(layouts)('matmul %s', (layout) => {
  it.each(shapes)('matches the reference at m %i, n %i, k %i', async (m, n, k) => {
    const gpu = await testGpu();
    const a = randomArray(1, m * k);
    const w = randomArray(2, n * k);
    const c = zeros(gpu, [m, n]);
    const commands = gpu.commands();
    matmul(commands, { layout, a: tensorOf(gpu, a, [m * k]), w: tensorOf(gpu, w, [n * k]), c, m, n, k });
    commands.submit();
    expectClose(await readFloats(gpu, c), matmulRef(layout, a, w, m, n, k), close);
  });

  const variants = Object.keys(matmulVariants) as MatmulVariant[];
  // A software adapter compiles an unrolled tile for seconds: the rarer ones in one layout each.
  const tried = variants.filter(
    (variant, i) =>
      !/^gpu (?:128x64|64x32|16x64)$/.test(variant) || i % layouts.length === layouts.indexOf(layout),
  );
  it.for(tried)('gives the same with %s', async (variant, context) => {
    const gpu = await testGpu();
    if (variant.startsWith('subgroup')) needSubgroups(context, gpu);
    // In turn a shape that is read four at a time, and one that is not; both end inside of a tile.
    const turn = variants.indexOf(variant) + layouts.indexOf(layout);
    const [m, n, k] = turn % 2 === 0 ? [37, 41, 53] : [36, 44, 56];
    const a = randomArray(3, m * k);
    const w = randomArray(4, n * k);
    const c = zeros(gpu, [m, n]);
    const commands = gpu.commands();
    const factors = { a: tensorOf(gpu, a, [m * k]), w: tensorOf(gpu, w, [n * k]) };
    matmul(commands, { layout, ...factors, c, m, n, k, variant });
    commands.submit();
    expectClose(await readFloats(gpu, c), matmulRef(layout, a, w, m, n, k), close);
  });

  it.each(['bf16', 'f16'] as const)('reads a packed %s weight exactly', async (format) => {
    const gpu = await testGpu();
    const [m, n, k] = [5, 19, 13]; // odd: a word holds the end of one row and the start of the next
    const a = randomArray(5, m * k);
    const halves = (format === 'bf16' ? f32ToBf16 : f32ToF16)(randomArray(6, n * k));
    const data: Tensor = zeros(gpu, [Math.ceil((n * k) / 2)], 'u32');
    upload(gpu, data, halves);
    const [rows, cols] = layout === 'NT' ? [n, k] : [k, n];
    const packed = { rowStart: 0, rows, cols, encoding: { format }, data };
    const c = zeros(gpu, [m, n]);
    const commands = gpu.commands();
    matmul(commands, { layout, a: tensorOf(gpu, a, [m * k]), w: packed, c, m, n, k });
    commands.submit();
    const w = (format === 'bf16' ? bf16ToF32 : f16ToF32)(halves);
    expectClose(await readFloats(gpu, c), matmulRef(layout, a, w, m, n, k), close);
  });

  it('keeps f32 sums over f16 factors', async (context) => {
    const gpu = await testGpu();
    needF16(context, gpu);
    const [m, n, k] = [9, 21, 1024];
    const a = f16ToF32(f32ToF16(randomArray(7, m * k)));
    const w = f16ToF32(f32ToF16(randomArray(8, n * k)));
    const c = zeros(gpu, [m, n]);
    const commands = gpu.commands();
    const factors = { a: tensorOf(gpu, a, [m * k], 'f16'), w: tensorOf(gpu, w, [n * k], 'f16') };
    matmul(commands, { layout, ...factors, c, m, n, k });
    const held = zeros(gpu, [m, n]);
    matmul(commands, { layout, ...factors, c: held, m, n, k, variant: 'gpu 64x64 f16' });
    commands.submit();
    const expected = matmulRef(layout, a, w, m, n, k);
    expectClose(await readFloats(gpu, c), expected, { atol: 1e-4, rtol: 2e-5 });
    expectClose(await readFloats(gpu, held), expected, { atol: 1e-4, rtol: 2e-5 });
  });
});

describe('matmul epilogue', () => {
  const [m, n, k] = [6, 10, 7];
  const a = randomArray(9, m * k);
  const w = randomArray(10, n * k);

  it('scales, adds the bias and accumulates', async () => {
    const gpu = await testGpu();
    const bias = randomArray(11, n);
    const before = randomArray(12, m * n);
    const c = tensorOf(gpu, before, [m, n]);
    const commands = gpu.commands();
    const factors = {
      a: tensorOf(gpu, a, [m, k]),
      w: tensorOf(gpu, w, [n, k]),
      bias: tensorOf(gpu, bias, [n]),
    };
    matmul(commands, { layout: 'NT', ...factors, c, m, n, k, scale: 0.5, accumulate: true });
    commands.submit();
    const product = matmulRef('NT', a, w, m, n, k);
    const expected = product.map((v, i) => 0.5 * v + bias[i % n]! + before[i]!);
    expectClose(await readFloats(gpu, c), expected, close);
  });

  it('writes a column range of a wider matrix and leaves the rest alone', async () => {
    const gpu = await testGpu();
    const before = randomArray(13, m * 25);
    const c = tensorOf(gpu, before, [m, 25]);
    const commands = gpu.commands();
    const factors = { a: tensorOf(gpu, a, [m, k]), w: tensorOf(gpu, w, [n, k]) };
    matmul(commands, { layout: 'NT', ...factors, c, m, n, k, ldc: 25, cOffset: 8 });
    commands.submit();
    const product = matmulRef('NT', a, w, m, n, k);
    const expected = before.map((v, i) => {
      const column = (i % 25) - 8;
      return column >= 0 && column < n ? product[Math.floor(i / 25) * n + column]! : v;
    });
    expectClose(await readFloats(gpu, c), expected, close);
  });

  it('saturates f16 instead of overflowing', async (context) => {
    const gpu = await testGpu();
    needF16(context, gpu);
    const c = zeros(gpu, [1, 1], 'f16');
    const commands = gpu.commands();
    const big = tensorOf(gpu, Float32Array.of(1e6), [1, 1]);
    matmul(commands, { layout: 'NT', a: big, w: big, c, m: 1, n: 1, k: 1 });
    commands.submit();
    expect((await readFloats(gpu, c))[0]).toBe(65504);
  });
});
