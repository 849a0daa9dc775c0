import { beforeEach, describe, expect, it } from 'vitest';
import { decodeFloats, encodeFloats } from '../formats/floats.ts';
import type { PeftModule } from '../formats/peft.ts';
import type { Gpu } from '../gpu/device.ts';
import { concatBytes } from '../lib/bytes.ts';
import { randomArray } from '../testing/compare.ts';
import { testGpu } from '../testing/gpu.ts';
import { refuseLeaks } from '../testing/leaks.ts';
import { mergedBlocks, roundingError } from './mergeTensor.ts';

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

async function blocksOf(dtype: string, blockBytes?: number): Promise<Uint8Array<ArrayBuffer>[]> {
  const bytes = encodeFloats(weight, dtype);
  const read = async (offset: number, length: number) => bytes.slice(offset, offset + length);
  const blocks: Uint8Array<ArrayBuffer>[] = [];
  for await (const block of mergedBlocks(gpu, { name: 'w', dtype }, module, read, blockBytes))
    blocks.push(block);
  return blocks;
}

describe('mergedBlocks', () => {
  it.each(['F32', 'F16', 'BF16'])('gives the same bytes in one block of %s and in three', async (dtype) => {
    const whole = await blocksOf(dtype);
    const parts = await blocksOf(dtype, 1);
    const width = dtype === 'F32' ? 4 : 2;
    expect(whole.length).toBe(1);
    expect(parts.map((part) => part.byteLength)).toEqual(
      [64, 64, 22].map((rows) => rows * inFeatures * width),
    );
    expect(concatBytes(parts)).toEqual(whole[0]);
  });

  it('frees its buffers when the reader leaves early', async () => {
    const bytes = encodeFloats(weight, 'BF16');
    const read = async (offset: number, length: number) => bytes.slice(offset, offset + length);
    let seen = 0;
    for await (const block of mergedBlocks(gpu, { name: 'w', dtype: 'BF16' }, module, read, 1)) {
      seen += block.byteLength;
      break;
    }
    expect(seen).toBe(64 * inFeatures * 2);
  });
});

describe('roundingError', () => {
  /** Rows 140 and 141 of W before and after, the merge done in f64 and rounded once. */
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
      error: (after: Float32Array) => roundingError(dtype, before, encodeFloats(after, dtype), module, 140),
    };
  }

  it.each([
    // Where terms cancel, f32 sums of them may be further off than one step.
    ['F32', 2 ** -16],
    ['F16', 2 ** -9],
    ['BF16', 2 ** -6],
  ])('is at most 1 for a %s merge, and more for a value that is wrong', (dtype, share) => {
    const { before, exact, error } = twoRows(dtype);
    expect(error(exact)).toBeLessThanOrEqual(1);
    for (const i of [0, inFeatures - 1, 2 * inFeatures - 1]) {
      expect(error(exact.with(i, exact[i]! * (1 + share)))).toBeGreaterThan(1);
      expect(error(exact.with(i, NaN))).toBeNaN();
    }
    expect(error(decodeFloats(before, dtype))).toBeGreaterThan(1);
  });
});
