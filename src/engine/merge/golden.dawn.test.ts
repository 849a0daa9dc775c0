import { beforeEach, describe, expect, it } from 'vitest';
import { decodeFloats } from '../../base/lib/floats.ts';
import { readAdapter } from '../../content/formats/peft.ts';
import { openSafetensors } from '../../content/formats/safetensors.ts';
import type { Gpu } from '../gpu/device.ts';
import { openModelFiles } from '../model/spec/openModel.ts';
import { MemoryFolder } from '../../base/storage/memoryFolder.ts';
import { allRuns, goldenFolder, modelFolder, needRun, readGolden } from '../../testing/golden.ts';
import { testGpu } from '../../testing/gpu.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { mergeJob } from './mergeJob.ts';
import { mergeModel } from './mergeModel.ts';
import { verifyMerge } from './verifyMerge.ts';

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

/** Ranks of values in the order of all values of their dtype: neighbours differ by one. */
function ordinals(bytes: Uint8Array<ArrayBuffer>, dtype: string): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const width = dtype === 'F32' ? 4 : 2;
  return Array.from({ length: bytes.byteLength / width }, (_, i) => {
    const bits = width === 4 ? view.getInt32(4 * i, true) : view.getInt16(2 * i, true);
    const lowest = width === 4 ? -(2 ** 31) : -(2 ** 15);
    return bits < 0 ? lowest - bits : bits;
  });
}

describe.each(allRuns)('%s', (run) => {
  it('merges to the reference’s file within one rounding, and is proved', async (context) => {
    needRun(context, run);
    const base = await openModelFiles(modelFolder(readGolden(run).model));
    const adapter = await readAdapter(goldenFolder(run, 'final_adapter'));
    const folder = new MemoryFolder('merged');
    await mergeModel(gpu, mergeJob(base, adapter), folder, { maxShardBytes: 1e9 });
    const merged = await openSafetensors(await folder.open('model.safetensors'));
    const reference = await openSafetensors(await goldenFolder(run).open('merged.safetensors'));
    expect([...merged.tensors.keys()].sort()).toEqual([...base.checkpoint.tensors.keys()].sort());

    let furthest = 0;
    for (const [name, { info }] of base.checkpoint.tensors) {
      const { dtype, shape } = info;
      expect(merged.get(name)).toMatchObject({ dtype, shape });
      const actual = await merged.read(name);
      if (!adapter.modules.has(name.replace(/\.weight$/, ''))) {
        expect(actual, name).toEqual(await base.checkpoint.read(name));
        continue;
      }
      expect(reference.get(name)).toMatchObject({ dtype, shape });
      const expected = await reference.read(name);
      // One rounding: a neighbour of the same dtype, or, where W and its update cancel, one of the f32 sums.
      const [values, wanted] = [decodeFloats(actual, dtype), decodeFloats(expected, dtype)];
      const sums = 2 ** -23 * wanted.reduce((max, w) => Math.max(max, Math.abs(w)), 0);
      const places = ordinals(expected, dtype);
      const wrong = ordinals(actual, dtype).findIndex(
        (at, i) => Math.abs(at - places[i]!) > 1 && Math.abs(values[i]! - wanted[i]!) > sums,
      );
      expect(wrong, `${name}[${wrong}]: ${values[wrong]}, not ${wanted[wrong]}`).toBe(-1);
      values.forEach((v, i) => (furthest = Math.max(furthest, Math.abs(v - wanted[i]!))));
    }

    const proof = await verifyMerge(gpu, mergeJob(base, adapter), folder);
    expect(proof).toMatchObject({
      tensors: base.checkpoint.tensors.size,
      changedTensors: adapter.modules.size,
      bytes: base.checkpoint.totalBytes,
    });
    expect(proof.maxLogitDifference).toBeLessThan(proof.allowedLogitDifference / 2);
    console.info(
      `${run}: merged within ${furthest.toExponential(1)}, logits ${proof.maxLogitDifference.toExponential(1)} of ${proof.allowedLogitDifference.toExponential(1)}`,
    );
  });
});
