import { beforeEach, expect, it } from 'vitest';
import { decodeFloats, encodeFloats } from '../../base/lib/floats.ts';
import { describeStored } from '../../content/formats/quantized/describeStored.ts';
import type { Gpu } from '../gpu/device.ts';
import { concatBytes } from '../../base/lib/bytes.ts';
import { testGpu } from '../../testing/gpu.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { fixtureNames, floatsOf, openCase } from '../../testing/quantizedFixtures.ts';
import { mergedBytes } from './mergedRows.ts';

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

it.each(['bnb', 'gptq', 'awq'].flatMap(fixtureNames))(
  'rows of %s match those its library reads, also in blocks',
  async (name) => {
    const { checkpoint, quantization, module, rows, cols } = await openCase(name);
    const stored = await describeStored(checkpoint, quantization, module, rows, cols);
    const source = { checkpoint, quantization, module, rows, cols, stored, nf4: null };
    const expected = await floatsOf(checkpoint, 'expected');
    const { dtype } = checkpoint.get('expected').info;
    for (const elements of [1, 1e6]) {
      const blocks: Uint8Array<ArrayBuffer>[] = [];
      for await (const block of mergedBytes(gpu, { source, module: null, format: 'f32' }, elements)) {
        blocks.push(block);
      }
      expect(blocks.length).toBe(elements === 1 ? Math.ceil(rows / 64) : 1);
      // In one case the library rounded to bf16. It gives -0 for FP4's second code for 0.
      const values = decodeFloats(concatBytes(blocks), 'F32');
      const rounded = decodeFloats(encodeFloats(values, dtype), dtype);
      expect(rounded.map((value) => value + 0)).toEqual(expected.map((value) => value + 0));
    }
  },
);
