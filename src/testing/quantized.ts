import type { Gpu } from '../engine/gpu/device.ts';
import { f16ToF32, f32ToF16, bf16ToF32, f32ToBf16 } from '../base/lib/floats.ts';
import { codebooks } from '../content/formats/quantized/codebooks.ts';
import { createRandom } from '../base/lib/random.ts';
import { CODES_PER_WORD, type Weight, type WeightChunk } from '../engine/kernels/weight.ts';
import { tensorOf } from './tensors.ts';

/** The 4-bit encodings covered by a test. */
export type QuantizedCase = 'nf4' | 'fp4' | 'nf4 nested' | 'int4' | 'int4 bf16' | 'int4 ordered';
export const quantizedCases: readonly QuantizedCase[] = [
  'nf4',
  'fp4',
  'nf4 nested',
  'int4',
  'int4 bf16',
  'int4 ordered',
];

/** A random 4-bit matrix [rows, cols] on the GPU, in chunks, and its values. */
export function quantizedWeight(
  gpu: Gpu,
  kind: QuantizedCase,
  [rows, cols]: readonly [number, number],
  { seed = 1, block = kind.startsWith('int4') ? 32 : 64, chunkRows = rows } = {},
): { weight: Weight; values: Float32Array<ArrayBuffer> } {
  const random = createRandom(seed);
  const values = new Float32Array(rows * cols);
  const chunks: WeightChunk[] = [];
  for (let rowStart = 0; rowStart < rows; rowStart += chunkRows) {
    const count = Math.min(chunkRows, rows - rowStart);
    const codes = Uint8Array.from({ length: count * cols }, () => random.below(16));
    const stride = Math.ceil(cols / CODES_PER_WORD);
    const words = new Uint32Array(count * stride);
    codes.forEach((code, i) => {
      const col = i % cols;
      words[Math.floor(i / cols) * stride + (col >> 3)]! |= code << (4 * (col & 7));
    });
    const part = values.subarray(rowStart * cols, (rowStart + count) * cols);
    const data = tensorOf(gpu, words, [count, stride]);
    const chunk = { rowStart, rows: count, cols, data };
    chunks.push(
      kind.startsWith('int4')
        ? int4Chunk(gpu, kind, chunk, codes, part, block)
        : codebookChunk(gpu, kind, chunk, codes, part, block),
    );
  }
  return { weight: { rows, cols, chunks }, values };

  function codebookChunk(
    device: Gpu,
    of: QuantizedCase,
    chunk: Omit<WeightChunk, 'encoding'>,
    codes: Uint8Array,
    out: Float32Array,
    blockSize: number,
  ): WeightChunk {
    const format = of === 'fp4' ? 'fp4' : 'nf4';
    const book = codebooks[format];
    const blocks = Math.ceil(codes.length / blockSize);
    if (of !== 'nf4 nested') {
      const absmax = Float32Array.from({ length: blocks }, () => 0.1 + random.next());
      codes.forEach((code, i) => (out[i] = book[code]! * absmax[Math.floor(i / blockSize)]!));
      return {
        ...chunk,
        encoding: { format, blockSize, nestedBlockSize: null },
        scales: tensorOf(device, absmax, [blocks]),
      };
    }
    const nestedBlockSize = 256;
    const map = Float32Array.from({ length: 256 }, (_, i) => (i - 127) / 128);
    const quantized = Uint8Array.from({ length: Math.ceil(blocks / 4) * 4 }, () => random.below(256));
    const top = Float32Array.from({ length: Math.ceil(blocks / nestedBlockSize) }, () => 0.2 + random.next());
    const offset = Math.fround(0.7);
    codes.forEach((code, i) => {
      const b = Math.floor(i / blockSize);
      const absmax = Math.fround(
        Math.fround(map[quantized[b]!]! * top[Math.floor(b / nestedBlockSize)]!) + offset,
      );
      out[i] = book[code]! * absmax;
    });
    return {
      ...chunk,
      encoding: { format, blockSize, nestedBlockSize },
      scales: tensorOf(device, new Uint32Array(quantized.buffer), [quantized.length / 4]),
      nested: tensorOf(device, Float32Array.of(offset, ...map, ...top), [257 + top.length]),
    };
  }

  function int4Chunk(
    device: Gpu,
    of: QuantizedCase,
    chunk: Omit<WeightChunk, 'encoding'>,
    codes: Uint8Array,
    out: Float32Array,
    groupSize: number,
  ): WeightChunk {
    const groups = Math.ceil(cols / groupSize);
    const scale = of === 'int4 bf16' ? 'bf16' : 'f16';
    const index = Uint32Array.from({ length: cols }, (_, i) =>
      // Another order of the same groups, the same in every chunk.
      of === 'int4 ordered' ? Math.floor(((i * 7) % cols) / groupSize) : Math.floor(i / groupSize),
    );
    const floats = Float32Array.from({ length: chunk.rows * groups }, () => 0.05 + 0.1 * random.next());
    const halves = scale === 'bf16' ? f32ToBf16(floats) : f32ToF16(floats);
    const rounded = scale === 'bf16' ? bf16ToF32(halves) : f16ToF32(halves);
    const zeros = floats.map(() => random.below(16));
    const packed = Uint32Array.from(halves, (half, i) => half | (zeros[i]! << 16));
    codes.forEach((code, i) => {
      const at = Math.floor(i / cols) * groups + index[i % cols]!;
      out[i] = rounded[at]! * (code - zeros[at]!);
    });
    return {
      ...chunk,
      encoding: { format: 'int4', groupSize, groups, scale },
      scales: tensorOf(device, packed, [chunk.rows, groups]),
      ...(of === 'int4 ordered' && { groupIndex: tensorOf(device, index, [cols]) }),
    };
  }
}
