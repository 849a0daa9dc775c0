import { beforeEach, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../content/formats/checkpoint.ts';
import { floatDtypes, type FloatDtype } from '../../content/formats/dtypes.ts';
import { decodeFloats, encodeFloats } from '../../base/lib/floats.ts';
import { MemoryFolder } from '../../base/storage/memoryFolder.ts';
import type { Gpu } from '../gpu/device.ts';
import { openModelFiles } from '../model/spec/openModel.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { testGpu } from '../../testing/gpu.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { randomPeft } from '../../testing/mergeAdapter.ts';
import { replaceTensor, tinyModel, type TinyModelOptions } from '../../testing/tinyModel.ts';
import { mergeJob } from './mergeJob.ts';
import { mergeProved } from './mergeProved.ts';
import { planOutput } from './outputPlan.ts';
import { plannedFolder } from './plannedFolder.ts';

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

// 33 columns, so that packed rows start within a word.
const odd = { hidden_size: 33, head_dim: 8, torch_dtype: 'bfloat16' };

async function jobOf(floats: FloatDtype | null, options: TinyModelOptions = {}) {
  const base = await openModelFiles(tinyModel({ config: odd, dtype: 'BF16', ...options }));
  return mergeJob(base, randomPeft(base), { floats });
}

describe('a merge into a dtype', () => {
  it.each(floatDtypes)('writes all floats in %s, each rounded once, and proves it', async (dtype) => {
    const job = await jobOf(dtype);
    const folder = new MemoryFolder('merged');
    const { proof } = await mergeProved(gpu, job, folder, { maxShardBytes: 9000 });
    const { base, adapter } = job;
    const merged = await openCheckpoint(folder);
    expect([...merged.tensors.keys()]).toEqual([...base.checkpoint.tensors.keys()]);
    expect(proof.changedTensors).toBe(adapter!.modules.size);
    const others = base.checkpoint.tensors.size - adapter!.modules.size;
    expect(proof.convertedTensors).toBe(dtype === 'BF16' ? 0 : others);
    for (const [name, { info }] of merged.tensors) {
      expect(info.dtype).toBe(dtype);
      if (adapter!.modules.has(name.replace(/\.weight$/, ''))) continue;
      const before = decodeFloats(await base.checkpoint.read(name), 'BF16');
      expect(await merged.read(name), name).toEqual(encodeFloats(before, dtype));
    }
    const config = JSON.parse(new TextDecoder().decode(folder.files.get('config.json')));
    const names = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' };
    expect(config).toEqual({ ...JSON.parse(await textOf(base.folder)), torch_dtype: names[dtype] });
  });

  it('resumes in the middle of an element, to the same bytes', async () => {
    const { tensors, workspace } = await planOutput(gpu, await jobOf('F32'));
    const tensor = tensors.find(({ converted }) => converted !== null)!;
    const all = await collect(tensor.blocks());
    for (const start of [0, 1, 6, all.length - 3])
      expect(await collect(tensor.blocks(start))).toEqual(all.slice(start));
    workspace.dispose();
  });

  it.each([
    ['a matrix that is computed', 'model.layers.1.self_attn.q_proj.weight'],
    ['a matrix that is copied', 'model.layers.0.mlp.up_proj.weight'],
    ['a vector', 'model.norm.weight'],
  ])('refuses what exceeds F16 in %s', async (_, name) => {
    const large = (length: number) => Float32Array.from({ length }, (__, i) => (i === 3 ? 7e4 : 0.1));
    const edit: TinyModelOptions['edit'] = (tensors) =>
      replaceTensor(tensors, name, ({ shape }) => ({
        bytes: encodeFloats(large(shape.reduce((a, b) => a * b)), 'BF16'),
      }));
    const into = async (dtype: FloatDtype) =>
      mergeProved(gpu, await jobOf(dtype, { edit }), new MemoryFolder('merged'), { maxShardBytes: 1e9 });
    await expectGraftError(() => into('F16'), 'merge.f16_overflow', { tensor: name });
    await into('BF16');
  });
});

describe('the planned folder', () => {
  it.each([null, ...floatDtypes])('has the bytes that a merge into %s writes', async (dtype) => {
    const job = await jobOf(dtype);
    const written = new MemoryFolder('merged');
    await mergeProved(gpu, job, written, { maxShardBytes: 1e9 });
    const plan = await planOutput(gpu, job);
    const planned = plannedFolder(job.base.folder, plan);
    expect(await planned.list()).toEqual(await written.list());
    for (const name of await planned.list()) {
      const [before, after] = [await written.open(name), await planned.open(name)];
      expect(after.size).toBe(before.size);
      for (const [start, length] of [
        [0, before.size],
        [Math.floor(before.size / 3), Math.floor(before.size / 2)],
      ] as const) {
        expect(await after.read(start, length), name).toEqual(await before.read(start, length));
      }
    }
    plan.workspace.dispose();
  });
});

async function collect(blocks: AsyncIterable<Uint8Array>): Promise<number[]> {
  const all: number[] = [];
  for await (const block of blocks) all.push(...block);
  return all;
}

async function textOf(folder: { open: MemoryFolder['open'] }): Promise<string> {
  const source = await folder.open('config.json');
  return new TextDecoder().decode(await source.read(0, source.size));
}
