import { beforeEach, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../content/formats/checkpoint.ts';
import { decodeFloats, encodeFloats } from '../../base/lib/floats.ts';
import type { PeftModule } from '../../content/formats/peft.ts';
import { dequantizeBnbRef, nestedAbsmaxRef } from '../../content/formats/quantized/dequantize.ref.ts';
import { dynamicMap } from '../../content/formats/quantized/dynamicMap.ts';
import { nestAbsmaxRef, quantizeNf4Ref } from '../../content/formats/quantized/nf4.ref.ts';
import { encodeSafetensors } from '../../content/formats/safetensorsWriter.ts';
import type { Gpu } from '../gpu/device.ts';
import { concatBytes } from '../../base/lib/bytes.ts';
import { floatFormat } from '../model/spec/floatFormat.ts';
import { MemoryFolder } from '../../base/storage/memoryFolder.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { testGpu } from '../../testing/gpu.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { exactRows, quantizationError, roundingError } from './exactRows.ts';
import { mergedBytes, type MergedMatrix } from './mergedRows.ts';

const [outFeatures, inFeatures, rank] = [150, 33, 4];
const module: PeftModule = {
  rank,
  scale: 2,
  a: randomArray(1, rank * inFeatures),
  b: randomArray(2, outFeatures * rank),
  inFeatures,
  outFeatures,
};
const weight = randomArray(3, outFeatures * inFeatures, 0.5);

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

/** The matrix as an F32, F16 or BF16 tensor of a checkpoint. */
async function matrixOf(dtype: string): Promise<MergedMatrix> {
  const shape = [outFeatures, inFeatures];
  const bytes = encodeFloats(weight, dtype);
  const file = encodeSafetensors([{ name: 'w.weight', dtype, shape, bytes }]);
  const checkpoint = await openCheckpoint(new MemoryFolder('m', { 'model.safetensors': file }));
  const stored = { kind: 'float' as const, tensor: 'w.weight', dtype };
  const [rows, cols] = [outFeatures, inFeatures];
  const source = { checkpoint, quantization: null, module: 'w', rows, cols, stored, nf4: null };
  return { source, module, format: floatFormat({ name: 'w', dtype }) };
}

async function blocksOf(matrix: MergedMatrix, elements?: number): Promise<Uint8Array<ArrayBuffer>[]> {
  const blocks: Uint8Array<ArrayBuffer>[] = [];
  for await (const block of mergedBytes(gpu, matrix, elements)) blocks.push(block);
  return blocks;
}

/** The matrix quantized to 4 bits and back, in plain loops. */
function quantized(dtype: string, doubleQuant: boolean): Float32Array {
  const { codes, absmax } = quantizeNf4Ref(decodeFloats(encodeFloats(weight, dtype), dtype));
  let scales: Float32Array = absmax;
  if (doubleQuant) {
    const nested = nestAbsmaxRef(absmax);
    scales = nestedAbsmaxRef(nested.codes, dynamicMap(true), nested.absmax, 256, nested.offset);
  }
  return dequantizeBnbRef(codes, scales, 'nf4', 64, weight.length);
}

describe('mergedBytes', () => {
  it.each(['F32', 'F16', 'BF16'])('gives the same bytes in one block of %s as in three', async (dtype) => {
    const matrix = await matrixOf(dtype);
    const whole = await blocksOf(matrix);
    const parts = await blocksOf(matrix, 1);
    const width = dtype === 'F32' ? 4 : 2;
    expect(whole.length).toBe(1);
    expect(parts.map((part) => part.byteLength)).toEqual(
      [64, 64, 22].map((rows) => rows * inFeatures * width),
    );
    expect(concatBytes(parts)).toEqual(whole[0]);
  });

  it('frees its buffers when the reader stops early', async () => {
    let seen = 0;
    for await (const block of mergedBytes(gpu, await matrixOf('BF16'), 1)) {
      seen += block.byteLength;
      break;
    }
    expect(seen).toBe(64 * inFeatures * 2);
  });

  it.each([
    ['BF16', false],
    ['BF16', true],
    ['F32', true],
    ['F16', false],
  ] as const)('without an adapter gives what NF4 makes of %s, nested: %s', async (dtype, doubleQuant) => {
    const matrix = await matrixOf(dtype);
    const source = { ...matrix.source, nf4: { doubleQuant } };
    for (const elements of [1, 1e6]) {
      const bytes = concatBytes(await blocksOf({ source, module: null, format: 'f32' }, elements));
      // The mean of absmax is a sum with its own order.
      const rtol = doubleQuant ? 2 ** -21 : 0;
      expectClose(decodeFloats(bytes, 'F32'), quantized(dtype, doubleQuant), { atol: 0, rtol });
    }
    const rounded = concatBytes(await blocksOf({ source, module: null, format: matrix.format }, 1));
    expect(rounded).toEqual(
      encodeFloats(
        decodeFloats(concatBytes(await blocksOf({ source, module: null, format: 'f32' })), 'F32'),
        dtype,
      ),
    );
  });
});

describe('roundingError', () => {
  /** Rows 140 and 141 of W before and after, merged in f64 and rounded once. */
  function twoRows(dtype: string) {
    const start = 140 * inFeatures;
    const before = encodeFloats(weight.slice(start, start + 2 * inFeatures), dtype);
    const exact = decodeFloats(before, dtype).map((w, i) => {
      let update = 0;
      for (let r = 0; r < rank; r++) {
        update +=
          module.b[(140 + Math.floor(i / inFeatures)) * rank + r]! *
          module.a[r * inFeatures + (i % inFeatures)]!;
      }
      return w + module.scale * update;
    });
    return {
      before,
      exact,
      error: (after: Float32Array) => {
        const rows = exactRows(decodeFloats(before, dtype), module, inFeatures, 140);
        return roundingError(dtype, rows, encodeFloats(after, dtype));
      },
    };
  }

  it.each([
    // Where terms cancel, f32 sums of them may be off by more than one step.
    ['F32', 2 ** -16],
    ['F16', 2 ** -9],
    ['BF16', 2 ** -6],
  ])('is at most 1 for a %s merge, and more for a wrong value', (dtype, share) => {
    const { before, exact, error } = twoRows(dtype);
    expect(error(exact)).toBeLessThanOrEqual(1);
    for (const i of [0, inFeatures - 1, 2 * inFeatures - 1]) {
      expect(error(exact.with(i, exact[i]! * (1 + share)))).toBeGreaterThan(1);
      expect(error(exact.with(i, NaN))).toBeNaN();
    }
    expect(error(decodeFloats(before, dtype))).toBeGreaterThan(1);
  });
});

describe('quantizationError', () => {
  const exact = exactRows(weight.slice(0, 64 * inFeatures), module, inFeatures, 0);
  const values = Float32Array.from(exact.values);
  const { codes, absmax: scales } = quantizeNf4Ref(values);
  const written = dequantizeBnbRef(codes, scales, 'nf4', 64, values.length);
  const errorOf = (changes: Partial<Parameters<typeof quantizationError>[2]>) =>
    quantizationError('F32', exact, { written, scales, nested: false, ...changes }, 64);

  it('is at most 1 for the nearest codes, and more for others, another absmax and NaN', () => {
    expect(errorOf({})).toBeLessThanOrEqual(1);
    const at = values.findIndex((value) => Math.abs(value) === scales[0]);
    expect(errorOf({ written: written.with(at, 0.69 * written[at]!) })).toBeGreaterThan(1);
    expect(errorOf({ written: written.with(at, NaN) })).toBeNaN();
    expect(errorOf({ scales: scales.with(0, scales[0]! * 1.001) })).toBeGreaterThan(1);
    expect(errorOf({ scales: scales.with(0, scales[0]! * 1.001), nested: true })).toBeLessThanOrEqual(1);
  });
});
