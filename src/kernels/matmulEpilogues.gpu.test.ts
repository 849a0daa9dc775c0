import { describe, expect, it } from 'vitest';
import type { Gpu } from '../gpu/device.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../testing/compare.ts';
import { testGpu } from '../testing/gpu.ts';
import { asStored, submit, weightOf } from '../testing/kernels.ts';
import { quantizedWeight } from '../testing/quantized.ts';
import { tensorOf, zeros } from '../testing/tensors.ts';
import { matmul, type MatmulArguments } from './matmul.ts';
import { matmulRef } from './matmul.ref.ts';
import type { WeightChunk } from './weight.ts';

const close = { atol: 1e-4, rtol: 2e-5 };
/** Awkward on purpose: no size is a multiple of a tile, and the rank is longer than a step of k. */
const [rows, cols, rank, ldu] = [75, 44, 19, 30];
const uOffset = 7;
const scale = 0.75;

/** A weight [75, 44] and its values in each way that brings different buffers. */
const weights = {
  f32: (gpu: Gpu) => plain(gpu, 'f32'),
  f16: (gpu: Gpu) => plain(gpu, 'f16'),
  nf4: (gpu: Gpu) => chunkOf(quantizedWeight(gpu, 'nf4', [rows, cols])),
  // With bias, residual and LoRA one buffer more than a shader may bind.
  'nf4 nested': (gpu: Gpu) => chunkOf(quantizedWeight(gpu, 'nf4 nested', [rows, cols])),
} satisfies Record<string, (gpu: Gpu) => { w: WeightChunk; values: Float32Array }>;

function plain(gpu: Gpu, format: 'f32' | 'f16') {
  const values = asStored(randomArray(1, rows * cols), format);
  return chunkOf({ weight: weightOf(gpu, values, [rows, cols], format), values });
}

function chunkOf({ weight, values }: ReturnType<typeof quantizedWeight>) {
  return { w: weight.chunks[0]!, values };
}

/** What LoRA adds: scale · u · b, from a column range of u. */
function loraRef(
  layout: 'NT' | 'NN',
  u: Float32Array,
  b: Float32Array,
  m: number,
  n: number,
  from = uOffset,
) {
  const used = Float32Array.from({ length: m * rank }, (_, i) => {
    return u[Math.floor(i / rank) * ldu + from + (i % rank)]!;
  });
  return matmulRef(layout, used, b, m, n, rank).map((value) => scale * value);
}

async function expectProduct(gpu: Gpu, args: MatmulArguments, expected: ArrayLike<number>) {
  submit(gpu, (commands) => matmul(commands, args));
  expectClose(await readFloats(gpu, args.c), expected, close);
}

describe.each(Object.entries(weights))('a product with a weight in %s', (_name, make) => {
  it.each([1, 37])('adds bias, residual and LoRA forwards, to %i rows', async (m) => {
    const gpu = await testGpu();
    const { w, values } = make(gpu);
    // Rows 3 … 3 + n − 1 of the weight, written to columns 5 … 5 + n − 1 of a wider tensor.
    const [wRow, n, ldc, cOffset] = [3, 70, 80, 5];
    const [x, u, b] = [randomArray(2, m * cols), randomArray(3, m * ldu), randomArray(4, rows * rank)];
    const [bias, residual] = [randomArray(5, rows), randomArray(6, m * ldc)];
    const product = matmulRef('NT', x, values.subarray(wRow * cols), m, n, cols);
    const lora = loraRef('NT', u, b.subarray(2 * rank), m, n);
    const expected = new Float64Array(m * ldc);
    product.forEach((value, i) => {
      const [column, at] = [i % n, Math.floor(i / n) * ldc + cOffset + (i % n)];
      expected[at] = value + bias[wRow + column]! + residual[at]! + lora[i]!;
    });
    const tensors = {
      a: tensorOf(gpu, x, [m, cols]),
      c: zeros(gpu, [m, ldc]),
      bias: tensorOf(gpu, bias, [rows]),
      residual: tensorOf(gpu, residual, [m, ldc]),
    };
    const second = { u: tensorOf(gpu, u, [m, ldu]), ldu, uOffset, rank, scale };
    const factor = { ...second, b: tensorOf(gpu, b, [rows, rank]), bRow: 2 };
    const sizes = { m, n, k: cols, wRow, ldc, cOffset, biasOffset: wRow };
    await expectProduct(gpu, { layout: 'NT', ...tensors, w, ...sizes, lora: factor }, expected);
  });

  it('adds LoRA backwards, to what is there', async () => {
    const gpu = await testGpu();
    const { w, values } = make(gpu);
    const [m, k, aOffset] = [37, 60, 9];
    const [dy, u, a] = [randomArray(7, m * rows), randomArray(8, m * ldu), randomArray(9, rank * cols)];
    const before = randomArray(10, m * cols);
    const used = Float32Array.from({ length: m * k }, (_, i) => {
      return dy[Math.floor(i / k) * rows + aOffset + (i % k)]!;
    });
    const lora = loraRef('NN', u, a, m, cols);
    const expected = matmulRef('NN', used, values, m, cols, k).map((v, i) => v + lora[i]! + before[i]!);
    const c = tensorOf(gpu, before, [m, cols]);
    const gradient = { a: tensorOf(gpu, dy, [m, rows]), lda: rows, aOffset };
    const factor = { u: tensorOf(gpu, u, [m, ldu]), ldu, uOffset, rank, scale };
    const second = { ...factor, b: tensorOf(gpu, a, [rank, cols]) };
    // c is its own residual: added in place.
    const sizes = { m, n: cols, k };
    await expectProduct(
      gpu,
      { layout: 'NN', ...gradient, w, c, residual: c, ...sizes, lora: second },
      expected,
    );
  });
});

describe('products of siblings in one dispatch', () => {
  const m = 37;
  const third = 10;
  /** Of two and of three, one of them shorter than any tile. */
  const cases = [
    [0, 31],
    [0, 41, 46],
  ];

  it.each(cases.map((starts) => ({ starts })))(
    'along n: each with LoRA of its own, $starts',
    async ({ starts }) => {
      const gpu = await testGpu();
      const { w, values } = weights.nf4(gpu);
      const wide = third * starts.length;
      const [x, u, b] = [randomArray(11, m * cols), randomArray(12, m * wide), randomArray(13, rows * third)];
      const expected = matmulRef('NT', x, values, m, rows, cols);
      for (let row = 0; row < m; row++) {
        for (let n = 0; n < rows; n++) {
          const member = starts.findLastIndex((start) => n >= start);
          for (let r = 0; r < third; r++)
            expected[row * rows + n]! += scale * u[row * wide + member * third + r]! * b[n * third + r]!;
        }
      }
      const lora = {
        u: tensorOf(gpu, u, [m, wide]),
        ldu: wide,
        rank: third,
        scale,
        b: tensorOf(gpu, b, [rows, third]),
      };
      const args = { a: tensorOf(gpu, x, [m, cols]), w, c: zeros(gpu, [m, rows]), m, n: rows, k: cols, lora };
      await expectProduct(gpu, { layout: 'NT', ...args, members: { along: 'n', starts } }, expected);
    },
  );

  it.each(cases.map((starts) => ({ starts })))('along m: dB of siblings, $starts', async ({ starts }) => {
    const gpu = await testGpu();
    const wide = third * starts.length;
    const [dy, u] = [randomArray(14, m * rows), randomArray(15, m * wide)];
    const expected = new Float64Array(rows * third);
    expected.forEach((_, i) => {
      const [row, r] = [Math.floor(i / third), i % third];
      const member = starts.findLastIndex((start) => row >= start);
      for (let t = 0; t < m; t++) expected[i]! += dy[t * rows + row]! * u[t * wide + member * third + r]!;
    });
    const args = { a: tensorOf(gpu, dy, [m, rows]), w: tensorOf(gpu, u, [m, wide]), ldw: wide };
    const c: Tensor = zeros(gpu, [rows, third]);
    const members = { along: 'm' as const, starts };
    await expectProduct(gpu, { layout: 'TN', ...args, c, m: rows, n: third, k: m, members }, expected);
  });

  it.each(cases.map((starts) => ({ starts })))('along k: dU of siblings, $starts', async ({ starts }) => {
    const gpu = await testGpu();
    const wide = third * starts.length;
    const [dy, b] = [randomArray(16, m * rows), randomArray(17, rows * third)];
    const expected = new Float64Array(m * wide);
    for (let t = 0; t < m; t++) {
      for (let n = 0; n < rows; n++) {
        const member = starts.findLastIndex((start) => n >= start);
        for (let r = 0; r < third; r++)
          expected[t * wide + member * third + r]! += scale * dy[t * rows + n]! * b[n * third + r]!;
      }
    }
    const args = { a: tensorOf(gpu, dy, [m, rows]), w: tensorOf(gpu, b, [rows, third]), scale };
    const target = { c: zeros(gpu, [m, wide]), ldc: wide };
    const members = { along: 'k' as const, starts };
    await expectProduct(gpu, { layout: 'NN', ...args, ...target, m, n: third, k: rows, members }, expected);
  });

  it('reads a column range of a plain matrix', async () => {
    const gpu = await testGpu();
    const [n, ldw, wCol] = [9, 30, 11];
    const [dy, u] = [randomArray(18, m * rows), randomArray(19, m * ldw)];
    const used = Float32Array.from({ length: m * n }, (_, i) => u[Math.floor(i / n) * ldw + wCol + (i % n)]!);
    const args = { a: tensorOf(gpu, dy, [m, rows]), w: tensorOf(gpu, u, [m, ldw]), ldw, wCol };
    const c = zeros(gpu, [rows, n]);
    const expected = matmulRef('TN', dy, used, rows, n, m);
    await expectProduct(gpu, { layout: 'TN', ...args, c, m: rows, n, k: m }, expected);
    expect(expected.some((value) => value !== 0)).toBe(true);
  });
});
