import { describe, expect, it } from 'vitest';
import { decodeFloats, encodeFloats } from '../../base/lib/floats.ts';
import type { Gpu } from '../gpu/device.ts';
import { readBytes, readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { testGpu } from '../../testing/gpu.ts';
import { submit } from '../../testing/kernels.ts';
import { needSubgroups } from '../../testing/needs.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { dequantize } from './dequantize.ts';
import { gemv } from './gemv.ts';
import { matmul } from './matmul.ts';
import { matmulRef } from './matmul.ref.ts';
import type { MatmulVariant } from './matmulVariants.ts';
import { quantizeInt8 } from './quantizeInt8.ts';
import { quantizeInt8Ref } from './quantizeInt8.ref.ts';
import { INT8_BLOCK, type FloatFormat, type WeightChunk } from './weight.ts';

/** Rows and columns: blocks that end early, words that end early, rows of less than a word. */
const shapes = [
  [70, 128],
  [33, 172],
  [96, 44],
  [9, 13],
  [3, 65],
  [1, 1],
] as const;

/** Values of very different sizes, in blocks that are all zero, tiny, or have one that outweighs the others. */
function oddValues(rows: number, cols: number): Float32Array<ArrayBuffer> {
  const values = randomArray(5, rows * cols);
  return values.map((value, i) => {
    const block = Math.floor((i % cols) / INT8_BLOCK) + Math.floor(i / cols);
    if (block % 7 === 3) return 0;
    if (block % 7 === 4) return value * 1e-30;
    if (block % 7 === 5) return i % 11 === 0 ? value * 5000 : value;
    return value;
  });
}

function room(gpu: Gpu, rows: number, cols: number): WeightChunk {
  return {
    rowStart: 0,
    rows,
    cols,
    encoding: { format: 'int8' },
    data: zeros(gpu, [rows, Math.ceil(cols / 4)], 'u32'),
    scales: zeros(gpu, [rows, Math.ceil(cols / INT8_BLOCK)]),
  };
}

/** A matrix on the GPU, quantized there, and its values. */
async function quantized(gpu: Gpu, values: Float32Array<ArrayBuffer>, rows: number, cols: number) {
  const chunk = room(gpu, rows, cols);
  const source = tensorOf(gpu, values, [rows, cols]);
  submit(gpu, (commands) =>
    quantizeInt8(commands, {
      source,
      format: 'f32',
      rows,
      cols,
      codes: chunk.data,
      scales: chunk.scales!,
    }),
  );
  const out = zeros(gpu, [rows, cols]);
  submit(gpu, (commands) => dequantize(commands, { chunk, row: 0, rows, out }));
  return { chunk, decoded: await readFloats(gpu, out) };
}

async function codesOf(gpu: Gpu, { data, rows, cols }: WeightChunk): Promise<Int8Array> {
  const bytes = new Int8Array((await readBytes(gpu, data)).buffer);
  const stride = 4 * Math.ceil(cols / 4);
  return Int8Array.from(
    { length: rows * cols },
    (_, i) => bytes[Math.floor(i / cols) * stride + (i % cols)]!,
  );
}

describe('8 bits in blocks', () => {
  it.each(shapes)(
    'of %i x %i are the nearest codes of the reference, and decode to code · scale',
    async (rows, cols) => {
      const gpu = await testGpu();
      const values = oddValues(rows, cols);
      const expected = quantizeInt8Ref(values, rows, cols);
      const { chunk, decoded } = await quantized(gpu, values, rows, cols);
      const scales = await readFloats(gpu, chunk.scales!);
      expect(scales).toEqual(expected.scales);
      const blocks = Math.ceil(cols / INT8_BLOCK);
      const codes = await codesOf(gpu, chunk);
      codes.forEach((code, i) => {
        const scale = scales[Math.floor(i / cols) * blocks + Math.floor((i % cols) / INT8_BLOCK)]!;
        // A quotient may round the other way only where it is at a midpoint.
        if (scale > 1e-37) expect(Math.abs(code - values[i]! / scale)).toBeLessThan(0.5001);
        else expect(code).toBe(0);
        expect(decoded[i]).toBe(Math.fround(code * scale));
      });
    },
  );

  it.each<FloatFormat>(['bf16', 'f16', 'f32'])('are made of %s a piece of rows at a time', async (format) => {
    const gpu = await testGpu();
    const [rows, cols, first] = [12, 74, 5];
    const dtype = format.toUpperCase();
    const bytes = encodeFloats(randomArray(8, rows * cols), dtype);
    const values = decodeFloats(bytes, dtype);
    const whole = await quantized(gpu, values, rows, cols);
    const chunk = room(gpu, rows, cols);
    const piece = (from: number, count: number) => {
      const width = bytes.byteLength / (rows * cols);
      const part = bytes.slice(from * cols * width, (from + count) * cols * width);
      return tensorOf(gpu, new Uint32Array(part.buffer), [part.byteLength / 4]);
    };
    submit(gpu, (commands) => {
      const target = { format, cols, codes: chunk.data, scales: chunk.scales! };
      quantizeInt8(commands, {
        ...target,
        source: piece(first, rows - first),
        rows: rows - first,
        outRow: first,
      });
      quantizeInt8(commands, { ...target, source: piece(0, first), rows: first });
    });
    const out = zeros(gpu, [rows, cols]);
    submit(gpu, (commands) => dequantize(commands, { chunk, row: 0, rows, out }));
    expect(await readFloats(gpu, out)).toEqual(whole.decoded);
  });
});

/** The default in every shape; the others, which take seconds to compile, where blocks and rows of threads end early. */
const products: { variant: MatmulVariant | null; shape: readonly [number, number] }[] = [
  ...shapes.map((shape) => ({ variant: null, shape })),
  { variant: 'gpu 32x64', shape: [33, 172] },
  { variant: 'gpu 32x64', shape: [9, 13] },
  { variant: 'tile 64x64', shape: [33, 172] },
  { variant: 'split 16x8', shape: [9, 13] },
  { variant: 'subgroup 16x4', shape: [33, 172] },
  { variant: 'subgroup 8x8', shape: [33, 172] },
];

it.for(products)(
  'a weight in 8 bits of $shape multiplies forwards and backwards with $variant',
  async ({ variant, shape: [rows, cols] }, context) => {
    const gpu = await testGpu();
    if (variant?.startsWith('subgroup')) needSubgroups(context, gpu);
    const { chunk, decoded } = await quantized(gpu, randomArray(6, rows * cols), rows, cols);
    const m = 11;
    const [x, dy] = [randomArray(2, m * cols), randomArray(3, m * rows)];
    const [y, dx] = [zeros(gpu, [m, rows]), zeros(gpu, [m, cols])];
    const chosen = variant ? { variant } : {};
    submit(gpu, (commands) => {
      const a = tensorOf(gpu, x, [m, cols]);
      const b = tensorOf(gpu, dy, [m, rows]);
      matmul(commands, { layout: 'NT', a, w: chunk, c: y, m, n: rows, k: cols, ...chosen });
      matmul(commands, { layout: 'NN', a: b, w: chunk, c: dx, m, n: cols, k: rows, ...chosen });
    });
    const close = { atol: 1e-4, rtol: 1e-5 };
    expectClose(await readFloats(gpu, y), matmulRef('NT', x, decoded, m, rows, cols), close);
    expectClose(await readFloats(gpu, dx), matmulRef('NN', dy, decoded, m, cols, rows), close);
  },
);

it.each(shapes)('a weight in 8 bits of %i x %i multiplies a single row', async (rows, cols) => {
  const gpu = await testGpu();
  const { chunk, decoded } = await quantized(gpu, randomArray(6, rows * cols), rows, cols);
  const x = randomArray(2, cols);
  const y = zeros(gpu, [rows]);
  submit(gpu, (commands) => gemv(commands, { x: tensorOf(gpu, x, [cols]), w: chunk, n: rows, y }));
  expectClose(await readFloats(gpu, y), matmulRef('NT', x, decoded, 1, rows, cols), {
    atol: 1e-4,
    rtol: 1e-5,
  });
});
