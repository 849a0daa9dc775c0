import { describe, expect, it } from 'vitest';
import { f16ToF32, f32ToF16 } from '../../base/lib/floats.ts';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { testGpu } from '../../testing/gpu.ts';
import { needF16 } from '../../testing/needs.ts';
import { submit, weightOf } from '../../testing/kernels.ts';
import { quantizedCases, quantizedWeight } from '../../testing/quantized.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { dequantize } from './dequantize.ts';
import { gemv } from './gemv.ts';
import { matmul } from './matmul.ts';
import type { MatmulVariant } from './matmulVariants.ts';
import { matmulRef } from './matmul.ref.ts';

const close = { atol: 1e-4, rtol: 1e-5 };
/** Rows and columns; with 172 and 44 words straddle blocks, 13 leaves most of a word empty. */
const shapes = [
  [70, 128],
  [33, 172],
  [96, 44],
  [9, 13],
] as const;

const everyShader: MatmulVariant[] = ['tile 64x64', 'split 16x8', 'subgroup 16x4', 'subgroup 8x8'];

describe.each(quantizedCases)('a 4-bit weight in %s', (kind) => {
  it.each(shapes)('of %i x %i dequantizes exactly', async (rows, cols) => {
    const gpu = await testGpu();
    const { weight, values } = quantizedWeight(gpu, kind, [rows, cols]);
    const [first, count] = [2, rows - 3];
    const out = zeros(gpu, [count, cols]);
    submit(gpu, (commands) =>
      dequantize(commands, { chunk: weight.chunks[0]!, row: first, rows: count, out }),
    );
    const expected = values.subarray(first * cols, (first + count) * cols);
    // Nested absmax is a product and a sum, which a driver may fuse.
    if (kind === 'nf4 nested') expectClose(await readFloats(gpu, out), expected, { atol: 0, rtol: 2e-7 });
    else expect(await readFloats(gpu, out)).toEqual(expected);
  });

  it.each(shapes)('of %i x %i multiplies forwards and backwards with every kernel', async (rows, cols) => {
    const gpu = await testGpu();
    const { weight, values } = quantizedWeight(gpu, kind, [rows, cols]);
    const m = 11;
    const x = randomArray(2, m * cols);
    const dy = randomArray(3, m * rows);
    const forward = matmulRef('NT', x, values, m, rows, cols);
    const backward = matmulRef('NN', dy, values, m, cols, rows);
    // Each kernel is a pipeline to compile: one kind of codes, with and without words that end a row early, covers one
    // of each shader. The kernel for GPUs decodes by itself: every kind, with and without words that straddle blocks.
    const all = kind === 'nf4' && rows < 96 ? everyShader : [];
    const own: MatmulVariant[] = cols > 100 ? ['gpu 32x64'] : [];
    // Some of its threads stage no codes.
    if (kind === 'nf4' && cols === 172) own.push('gpu 64x32');
    for (const variant of [undefined, ...own, ...all]) {
      if (variant?.startsWith('subgroup') && gpu.subgroupSize === null) continue;
      const y = zeros(gpu, [m, rows]);
      const dx = zeros(gpu, [m, cols]);
      submit(gpu, (commands) => {
        const [w] = weight.chunks;
        const a = tensorOf(gpu, x, [m, cols]);
        const b = tensorOf(gpu, dy, [m, rows]);
        matmul(commands, { layout: 'NT', a, w: w!, c: y, m, n: rows, k: cols, ...(variant && { variant }) });
        matmul(commands, {
          layout: 'NN',
          a: b,
          w: w!,
          c: dx,
          m,
          n: cols,
          k: rows,
          ...(variant && { variant }),
        });
      });
      expectClose(await readFloats(gpu, y), forward, close);
      expectClose(await readFloats(gpu, dx), backward, close);
    }
  });

  it('multiplies f16 rows with f32 sums', async (context) => {
    const gpu = await testGpu();
    needF16(context, gpu);
    const [m, n, k] = [5, 40, 1024];
    const { weight, values } = quantizedWeight(gpu, kind, [n, k]);
    const x = f16ToF32(f32ToF16(randomArray(4, m * k)));
    const c = zeros(gpu, [m, n]);
    const a = tensorOf(gpu, x, [m, k], 'f16');
    submit(gpu, (commands) => matmul(commands, { layout: 'NT', a, w: weight.chunks[0]!, c, m, n, k }));
    expectClose(await readFloats(gpu, c), matmulRef('NT', x, values, m, n, k), { atol: 2e-4, rtol: 2e-5 });
  });

  it.each(shapes)('of %i x %i multiplies a single row', async (rows, cols) => {
    const gpu = await testGpu();
    const { weight, values } = quantizedWeight(gpu, kind, [rows, cols]);
    await expectRow(weight.chunks[0]!, values, rows, cols);
  });
});

describe.each(['f32', 'bf16', 'f16'] as const)('gemv with a weight in %s', (format) => {
  it.each([...shapes, [1, 1], [5, 700]] as const)('of %i x %i matches the reference', async (rows, cols) => {
    const gpu = await testGpu();
    // Quarters are exact in every format.
    const values = randomArray(8, rows * cols, 8).map((x) => Math.round(x * 4) / 4);
    await expectRow(weightOf(gpu, values, [rows, cols], format).chunks[0]!, values, rows, cols);
  });
});

async function expectRow(
  w: Parameters<typeof gemv>[1]['w'],
  values: Float32Array,
  rows: number,
  cols: number,
): Promise<void> {
  const gpu = await testGpu();
  const x = randomArray(5, cols);
  const bias = randomArray(6, rows);
  const before = randomArray(7, rows + 3);
  const y = tensorOf(gpu, before, [rows + 3]);
  submit(gpu, (commands) =>
    gemv(commands, {
      x: tensorOf(gpu, x, [cols]),
      w,
      n: rows,
      y,
      yOffset: 2,
      bias: tensorOf(gpu, bias, [rows]),
      accumulate: true,
    }),
  );
  const product = matmulRef('NT', x, values, 1, rows, cols);
  const expected = before.map((value, i) =>
    i >= 2 && i < rows + 2 ? value + product[i - 2]! + bias[i - 2]! : value,
  );
  expectClose(await readFloats(gpu, y), expected, close);
}
