import { describe, expect, it } from 'vitest';
import type { Gpu } from '../gpu/device.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { finiteDifference } from '../../testing/finiteDifference.ts';
import { testGpu } from '../../testing/gpu.ts';
import { asStored, submit, weightOf } from '../../testing/kernels.ts';
import { quantizedWeight } from '../../testing/quantized.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { loraLinearBackwardRef, loraLinearRef, type LoraLinearRef } from '../model/trained/loraLinear.ref.ts';
import { matmul, type MatmulArguments } from './matmul.ts';
import { matmulRef } from './matmul.ref.ts';
import type { MatmulVariant } from './matmulVariants.ts';
import type { WeightChunk } from './weight.ts';

const close = { atol: 1e-4, rtol: 2e-5 };
/** Deliberately awkward: no size is a multiple of a tile, and the rank exceeds a step of k. */
const [rows, cols, rank, ldu] = [75, 44, 19, 30];
const uOffset = 7;
const scale = 0.75;

/** A weight [75, 44] and its values in each encoding that binds different buffers. */
const weights = {
  f32: (gpu: Gpu) => plain(gpu, 'f32'),
  f16: (gpu: Gpu) => plain(gpu, 'f16'),
  nf4: (gpu: Gpu) => chunkOf(quantizedWeight(gpu, 'nf4', [rows, cols])),
  // With bias, residual and LoRA, one buffer more than a shader may bind.
  'nf4 nested': (gpu: Gpu) => chunkOf(quantizedWeight(gpu, 'nf4 nested', [rows, cols])),
} satisfies Record<string, (gpu: Gpu) => { w: WeightChunk; values: Float32Array }>;

function plain(gpu: Gpu, format: 'f32' | 'f16') {
  const values = asStored(randomArray(1, rows * cols), format);
  return chunkOf({ weight: weightOf(gpu, values, [rows, cols], format), values });
}

function chunkOf({ weight, values }: ReturnType<typeof quantizedWeight>) {
  return { w: weight.chunks[0]!, values };
}

/** u [m, rank] as a column range of a wider tensor [m, ldu] with other values around it. */
function widened(u: ArrayLike<number>, m: number): Float32Array<ArrayBuffer> {
  const wide = randomArray(3, m * ldu);
  for (let i = 0; i < m * rank; i++) wide[Math.floor(i / rank) * ldu + uOffset + (i % rank)] = u[i]!;
  return wide;
}

interface Kernel {
  kernel: string;
  variant?: MatmulVariant;
}

/** The default on the adapter, and the kernel for GPUs. */
const kernels: Kernel[] = [{ kernel: 'the default' }, { kernel: 'gpu 32x64', variant: 'gpu 32x64' }];

async function expectProduct(
  gpu: Gpu,
  args: MatmulArguments,
  expected: ArrayLike<number>,
  { variant }: Kernel,
) {
  submit(gpu, (commands) => matmul(commands, { ...args, ...(variant && { variant }) }));
  expectClose(await readFloats(gpu, args.c), expected, close);
}

const products = Object.entries(weights).flatMap(([format, make]) =>
  kernels.map((kernel) => ({ format, make, ...kernel })),
);

describe.each(products)('a product with a weight in $format by $kernel', ({ make, ...kernel }) => {
  it.each([1, 37])('adds bias, residual and LoRA in the forward product, to %i rows', async (m) => {
    const gpu = await testGpu();
    const { w, values } = make(gpu);
    // Rows 3 … 3 + n − 1 of the weight, written to columns 5 … 5 + n − 1 of a wider tensor.
    const [wRow, n, ldc, cOffset] = [3, 70, 80, 5];
    const [x, a, b] = [randomArray(2, m * cols), randomArray(4, rank * cols), randomArray(7, rows * rank)];
    const [bias, residual] = [randomArray(5, rows), randomArray(6, m * ldc)];
    const layer = { x, w: values.subarray(wRow * cols), a, b: b.subarray(2 * rank), scale };
    const y = loraLinearRef({ ...layer, rows: m, inFeatures: cols, outFeatures: n, rank });
    const u = widened(matmulRef('NT', x, a, m, rank, cols), m);
    const expected = new Float64Array(m * ldc);
    y.forEach((value, i) => {
      const [column, at] = [i % n, Math.floor(i / n) * ldc + cOffset + (i % n)];
      expected[at] = value + bias[wRow + column]! + residual[at]!;
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
    await expectProduct(gpu, { layout: 'NT', ...tensors, w, ...sizes, lora: factor }, expected, kernel);
  });

  it('adds LoRA to the gradient of x, and accumulates', async () => {
    const gpu = await testGpu();
    const { w, values } = make(gpu);
    const [m, k, aOffset] = [37, 60, 9];
    const [dy, a, b] = [randomArray(7, m * rows), randomArray(9, rank * cols), randomArray(8, k * rank)];
    const before = randomArray(10, m * cols);
    const used = Float32Array.from({ length: m * k }, (_, i) => {
      return dy[Math.floor(i / k) * rows + aOffset + (i % k)]!;
    });
    const layer = { x: new Float32Array(m * cols), w: values, a, b, scale };
    const { dX } = loraLinearBackwardRef(used, {
      ...layer,
      rows: m,
      inFeatures: cols,
      outFeatures: k,
      rank,
    });
    const u = widened(matmulRef('NN', used, b, m, rank, k), m);
    const expected = dX.map((value, i) => value + before[i]!);
    const c = tensorOf(gpu, before, [m, cols]);
    const gradient = { a: tensorOf(gpu, dy, [m, rows]), lda: rows, aOffset };
    const factor = { u: tensorOf(gpu, u, [m, ldu]), ldu, uOffset, rank, scale };
    const second = { ...factor, b: tensorOf(gpu, a, [rank, cols]) };
    // c is its own residual: accumulates in place.
    const sizes = { m, n: cols, k };
    await expectProduct(
      gpu,
      { layout: 'NN', ...gradient, w, c, residual: c, ...sizes, lora: second },
      expected,
      kernel,
    );
  });
});

describe.each(kernels)('fused projections in one dispatch by $kernel', (kernel) => {
  const m = 37;
  const third = 10;
  /** Two to four members, some of them shorter than any tile. */
  const cases = [
    [0, 31],
    [0, 41, 46],
    [0, 21, 24, 50],
  ];

  it.each(cases.map((starts) => ({ starts })))(
    'along n: each with its own LoRA, $starts',
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
      await expectProduct(gpu, { layout: 'NT', ...args, members: { along: 'n', starts } }, expected, kernel);
    },
  );

  it.each(cases.map((starts) => ({ starts })))('along m: dB, $starts', async ({ starts }) => {
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
    await expectProduct(
      gpu,
      { layout: 'TN', ...args, c, m: rows, n: third, k: m, members },
      expected,
      kernel,
    );
  });

  it.each(cases.map((starts) => ({ starts })))('along k: dU, $starts', async ({ starts }) => {
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
    await expectProduct(
      gpu,
      { layout: 'NN', ...args, ...target, m, n: third, k: rows, members },
      expected,
      kernel,
    );
  });

  it('reads a column range of a plain matrix', async () => {
    const gpu = await testGpu();
    const [n, ldw, wCol] = [9, 30, 11];
    const [dy, u] = [randomArray(18, m * rows), randomArray(19, m * ldw)];
    const used = Float32Array.from({ length: m * n }, (_, i) => u[Math.floor(i / n) * ldw + wCol + (i % n)]!);
    const args = { a: tensorOf(gpu, dy, [m, rows]), w: tensorOf(gpu, u, [m, ldw]), ldw, wCol };
    const c = zeros(gpu, [rows, n]);
    const expected = matmulRef('TN', dy, used, rows, n, m);
    await expectProduct(gpu, { layout: 'TN', ...args, c, m: rows, n, k: m }, expected, kernel);
    expect(expected.some((value) => value !== 0)).toBe(true);
  });
});

it('the reference gradients of a LoRA layer match finite differences', () => {
  const sizes = { rows: 3, inFeatures: 5, outFeatures: 4, rank: 2, scale };
  const [x, w, a, b] = [randomArray(1, 15), randomArray(2, 20), randomArray(3, 10), randomArray(4, 8)];
  const dy = randomArray(5, 12);
  const layer = { x, w, a, b, ...sizes };
  const loss = (changed: Partial<LoraLinearRef>) =>
    loraLinearRef({ ...layer, ...changed }).reduce((sum, value, i) => sum + value * dy[i]!, 0);
  const { dX, dA, dB } = loraLinearBackwardRef(dy, layer);
  const numeric = (f: (at: ArrayLike<number>) => number, at: Float32Array) =>
    Float64Array.from(at, (_, i) => finiteDifference(f, at, i));
  const tolerance = { atol: 1e-6, rtol: 1e-6 };
  expectClose(
    dX,
    numeric((at) => loss({ x: at }), x),
    tolerance,
  );
  expectClose(
    dA,
    numeric((at) => loss({ a: at }), a),
    tolerance,
  );
  expectClose(
    dB,
    numeric((at) => loss({ b: at }), b),
    tolerance,
  );
});
