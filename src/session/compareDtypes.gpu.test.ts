import { beforeEach, expect, it } from 'vitest';
import { MemoryFolder } from '../base/storage/memoryFolder.ts';
import { encodeFloats } from '../base/lib/floats.ts';
import type { Gpu } from '../engine/gpu/device.ts';
import { mergeJob } from '../engine/merge/mergeJob.ts';
import { mergeModel } from '../engine/merge/mergeModel.ts';
import { withoutAdapter } from '../engine/model/decoder/decoder.ts';
import { openModelFiles } from '../engine/model/spec/openModel.ts';
import { closeDecoder, openDecoder } from '../engine/model/weights/openDecoder.ts';
import { evaluate } from '../engine/train/evaluate.ts';
import { testGpu } from '../testing/gpu.ts';
import { refuseLeaks } from '../testing/leaks.ts';
import { randomPeft } from '../testing/mergeAdapter.ts';
import { randomRows } from '../testing/passes.ts';
import { replaceTensor, tinyModel } from '../testing/tinyModel.ts';
import { compareDtypes } from './compareDtypes.ts';

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

const rows = randomRows([5, 3, 7, 4]);

it('measures each dtype as its merged folder has it: the loss, and logits by the bits it has', async () => {
  const base = await openModelFiles(tinyModel({ dtype: 'BF16' }));
  const job = mergeJob(base, randomPeft(base));
  const { unmerged, dtypes } = await compareDtypes(gpu, job, rows);
  const change = new Map<string | null, number>();
  for (const one of dtypes) {
    if ('overflow' in one) throw new Error(one.overflow);
    const folder = new MemoryFolder('merged');
    const files = await mergeModel(gpu, { ...job, floats: one.dtype }, folder, { maxShardBytes: 1e9 });
    expect(files[0]!.size).toBeGreaterThan(one.bytes);
    const decoder = await openDecoder(gpu, await openModelFiles(folder), 'f32');
    expect(one.loss).toBe((await evaluate(decoder, withoutAdapter, rows, 32)).loss);
    closeDecoder(decoder);
    change.set(one.dtype, one.maxLogitChange);
  }
  expect(change.get('F32')! / unmerged.maxLogit).toBeLessThan(1e-5);
  expect(change.get(null)).toBe(change.get('BF16'));
  expect(change.get('F16')!).toBeGreaterThan(4 * change.get('F32')!);
  expect(change.get('BF16')!).toBeGreaterThan(2 * change.get('F16')!);
});

it('names a tensor that F16 cannot hold, beside the dtypes that can', async () => {
  const name = 'model.layers.1.mlp.up_proj.weight';
  const bytes = (shape: number[]) =>
    encodeFloats(new Float32Array(shape.reduce((a, b) => a * b)).fill(7e4), 'BF16');
  const edited = tinyModel({
    dtype: 'BF16',
    edit: (tensors) => replaceTensor(tensors, name, ({ shape }) => ({ bytes: bytes(shape) })),
  });
  const base = await openModelFiles(edited);
  const { dtypes } = await compareDtypes(gpu, mergeJob(base, randomPeft(base)), rows);
  expect(dtypes.map(({ dtype }) => dtype)).toEqual([null, 'F32', 'F16', 'BF16']);
  expect(dtypes[2]).toEqual({ dtype: 'F16', overflow: name });
});
