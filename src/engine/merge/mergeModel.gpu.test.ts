import { beforeEach, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../content/formats/checkpoint.ts';
import { decodeFloats } from '../../base/lib/floats.ts';
import type { PeftAdapter } from '../../content/formats/peft.ts';
import type { Gpu } from '../gpu/device.ts';
import { LoraAdapter } from '../model/trained/loraAdapter.ts';
import { planLora, type LoraShape } from '../model/trained/loraModules.ts';
import { openModelFiles, type ModelFiles } from '../model/spec/openModel.ts';
import { MemoryFolder } from '../../base/storage/memoryFolder.ts';
import type { WritableFolder } from '../../base/storage/types.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { caught, expectGraftError } from '../../testing/errors.ts';
import { testGpu } from '../../testing/gpu.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { randomizeAdapter } from '../../testing/passes.ts';
import { tinyModel, type TinyTensor } from '../../testing/tinyModel.ts';
import { mergeJob } from './mergeJob.ts';
import { discardUnfinished, mergeModel } from './mergeModel.ts';

const shape: LoraShape = {
  rank: 4,
  alpha: 8,
  rslora: false,
  targets: ['q_proj', 'down_proj'],
  layers: 'all',
};
const sidecars = {
  'tokenizer.json': '{"model": "…"}\n',
  'generation_config.json': '{}',
  LICENSE: 'Apache-2.0',
};
const notCarried = { 'adapter_config.json': '{}', 'training_args.bin': 'x', '.hidden': 'x' };

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

async function adapterFor({ spec }: ModelFiles): Promise<PeftAdapter> {
  const adapter = new LoraAdapter(gpu, planLora(spec, shape));
  randomizeAdapter(adapter);
  const peft = await adapter.toPeft({ ...shape, base: 'tiny', dropout: 0 });
  adapter.dispose();
  return peft;
}

async function merge(base: ModelFiles, maxShardBytes: number, destination = new MemoryFolder('merged')) {
  const adapter = await adapterFor(base);
  const files = await mergeModel(gpu, mergeJob(base, adapter), destination, { maxShardBytes });
  return { adapter, files, folder: destination, merged: await openCheckpoint(destination) };
}

/** Half an ulp of a dtype, relative to the value. */
const halfStep: Record<string, number> = { F32: 2 ** -24, F16: 2 ** -11, BF16: 2 ** -8 };

describe('a merged model', () => {
  it.each([
    ['F32', 'F32'],
    ['F16', 'F16'],
    ['BF16', 'BF16'],
    [
      'mixed dtypes',
      (name: string) => (name.includes('norm') ? 'F32' : name.includes('mlp') ? 'F16' : 'BF16'),
    ],
  ])('in %s is W + scale · B · A with one rounding, and otherwise unchanged', async (_, dtype) => {
    // 33 columns, so that packed rows start within a word.
    const config = { hidden_size: 33, head_dim: 8 };
    const base = await openModelFiles(tinyModel({ config, dtype, files: sidecars }));
    const { merged, adapter, files } = await merge(base, 1e9);
    expect([...merged.tensors.keys()]).toEqual([...base.checkpoint.tensors.keys()]);
    expect(files.map(({ name }) => name).sort()).toEqual(
      ['model.safetensors', 'config.json', ...Object.keys(sidecars)].sort(),
    );
    for (const [name, { info }] of base.checkpoint.tensors) {
      expect(merged.get(name).info).toMatchObject({ dtype: info.dtype, shape: info.shape });
      const [was, is] = [await base.checkpoint.read(name), await merged.read(name)];
      const module = adapter.modules.get(name.replace(/\.weight$/, ''));
      if (!module) {
        expect(is, name).toEqual(was);
        continue;
      }
      const { a, b, rank, scale, inFeatures } = module;
      const w = decodeFloats(was, info.dtype);
      decodeFloats(is, info.dtype).forEach((value, i) => {
        let exact = w[i]!;
        let size = Math.abs(exact);
        for (let r = 0; r < rank; r++) {
          const term =
            scale * b[Math.floor(i / inFeatures) * rank + r]! * a[r * inFeatures + (i % inFeatures)]!;
          exact += term;
          size += Math.abs(term);
        }
        const allowed = halfStep[info.dtype]! * Math.abs(exact) + 2 ** -23 * size;
        if (!(Math.abs(value - exact) <= allowed)) expect.fail(`${name}[${i}] is ${value}, not ${exact}`);
      });
    }
  });

  it('is split into shards by size, in order, with an index; other files are copied byte for byte', async () => {
    const source = tinyModel({ firstShard: 9, files: { ...sidecars, ...notCarried } });
    const base = await openModelFiles(source);
    const { folder, files, merged } = await merge(base, 12_000);
    const shards = [...folder.files.keys()].filter((name) => name.endsWith('.safetensors'));
    expect(shards.length).toBeGreaterThan(3);
    shards.forEach((name, i) => expect(name).toBe(`model-0000${i + 1}-of-0000${shards.length}.safetensors`));
    expect(merged.files.flatMap(({ tensors }) => tensors)).toEqual([...base.checkpoint.tensors.keys()]);
    for (const { tensors, file } of merged.files) {
      const bytes = tensors.reduce((sum, name) => sum + file.get(name).end - file.get(name).begin, 0);
      expect(bytes).toBeLessThanOrEqual(12_000);
      expect(Object.fromEntries(file.metadata)).toEqual({ format: 'pt' });
    }
    const index = JSON.parse(new TextDecoder().decode(folder.files.get('model.safetensors.index.json')));
    expect(index.metadata.total_size).toBe(base.checkpoint.totalBytes);
    expect(Object.keys(index.weight_map).length).toBe(base.checkpoint.tensors.size);
    for (const name of ['config.json', ...Object.keys(sidecars)]) {
      expect(folder.files.get(name)).toEqual(source.files.get(name));
    }
    for (const name of Object.keys(notCarried)) expect(folder.files.has(name)).toBe(false);
    expect(files.length).toBe(folder.files.size);
    for (const { name, size } of files) expect(folder.files.get(name)?.byteLength).toBe(size);

    // The same values, however it is sharded.
    const whole = (await merge(base, 1e9)).merged;
    for (const name of whole.tensors.keys()) expect(await merged.read(name)).toEqual(await whole.read(name));
  });

  it('preserves what it cannot compute with: dtypes only newer tools know, integers, empty tensors', async () => {
    const odd: TinyTensor[] = [
      { name: 'extra.scale', dtype: 'F2_NEW', shape: [3], bytes: Uint8Array.of(1, 2, 3, 4, 5) },
      { name: 'extra.steps', dtype: 'I64', shape: [], bytes: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) },
      { name: 'extra.none', dtype: 'F32', shape: [0], bytes: new Uint8Array(0) },
    ];
    const edit = (tensors: TinyTensor[]) => [...tensors, ...odd];
    const { merged } = await merge(await openModelFiles(tinyModel({ edit })), 1e9);
    for (const { name, dtype, shape: dims, bytes } of odd) {
      expect(merged.get(name).info).toMatchObject({ dtype, shape: dims });
      expect(await merged.read(name)).toEqual(bytes);
    }
  });
});

/** A folder that already holds a file of the user's. */
function withNotes(): MemoryFolder {
  return new MemoryFolder('mine', { 'notes.txt': 'mine' });
}

function expectOnlyNotes(folder: MemoryFolder): void {
  expect([...folder.files.keys()]).toEqual(['notes.txt']);
}

/** What must hold for a folder at any moment: no model, or the right one. */
async function expectNoModel(folder: MemoryFolder): Promise<void> {
  expect([...folder.files.keys()]).not.toContain('config.json');
  expect(await caught(() => openModelFiles(folder))).toBeInstanceOf(GraftError);
}

describe('a merge that does not finish', () => {
  it.each([0, 0.3, 0.999])('is no model when cancelled at %f of its bytes', async (share) => {
    const base = await openModelFiles(tinyModel({ files: sidecars }));
    const adapter = await adapterFor(base);
    const folder = withNotes();
    const controller = new AbortController();
    const onProgress = (done: number, total: number) => done / total > share && controller.abort();
    const { signal } = controller;
    const cancelled = () =>
      mergeModel(gpu, mergeJob(base, adapter), folder, { maxShardBytes: 12_000, onProgress, signal });
    await expectGraftError(cancelled, 'merge.cancelled');
    await expectNoModel(folder);
    await discardUnfinished(folder);
    expectOnlyNotes(folder);
  });

  it('is no model when cancelled while the last files are copied', async () => {
    const base = await openModelFiles(tinyModel({ files: sidecars }));
    const adapter = await adapterFor(base);
    const folder = withNotes();
    const controller = new AbortController();
    const disk: WritableFolder = {
      name: folder.name,
      list: () => folder.list(),
      open: (name) => folder.open(name),
      remove: (name) => folder.remove(name),
      create(name) {
        if (name === 'tokenizer.json') controller.abort();
        return folder.create(name);
      },
    };
    const { signal } = controller;
    const cancelled = () => mergeModel(gpu, mergeJob(base, adapter), disk, { maxShardBytes: 1e9, signal });
    await expectGraftError(cancelled, 'merge.cancelled');
    await expectNoModel(folder);
  });

  it('is no model when the disk fails, reports the disk’s error, and resumes when the disk recovers', async () => {
    const base = await openModelFiles(tinyModel({ files: sidecars }));
    const adapter = await adapterFor(base);
    const options = { maxShardBytes: 12_000 };
    const whole = withNotes();
    await mergeModel(gpu, mergeJob(base, adapter), whole, options);
    // Every point of failure: weights of a later shard, their end, a copied file, the index, the end.
    for (const [file, when] of [
      ['model-00002', 'write'],
      ['model-00002', 'close'],
      ['model-00003', 'create'],
      ['tokenizer.json', 'write'],
      ['model.safetensors.index.json', 'close'],
      ['config.json', 'close'],
    ] as const) {
      const folder = withNotes();
      const { disk, unfinished } = failing(folder, file, when);
      const error = await caught(() => mergeModel(gpu, mergeJob(base, adapter), disk, options));
      expect(error, `${file} ${when}`).toMatchObject({ message: 'disk full' });
      await expectNoModel(folder);
      expect(unfinished()).toBe(0);
      const kept: number[] = [];
      const onContinue = (bytes: number) => kept.push(bytes);
      await mergeModel(gpu, mergeJob(base, adapter), folder, { ...options, onContinue });
      expect(kept.length).toBe(1);
      expect(kept[0]).toBeGreaterThan(10_000);
      expect(folder.files).toEqual(whole.files);
    }
  });

  it('does not start where something would be overwritten or mistaken for part of it', async () => {
    const base = await openModelFiles(tinyModel({ files: sidecars }));
    const adapter = await adapterFor(base);
    for (const file of [
      'model.safetensors',
      'tokenizer.json',
      'model.safetensors.index.json',
      'other.safetensors',
    ]) {
      const folder = new MemoryFolder('mine', { [file]: 'mine', 'notes.txt': 'mine' });
      const start = () => mergeModel(gpu, mergeJob(base, adapter), folder, { maxShardBytes: 1e9 });
      await expectGraftError(start, 'merge.destination_not_empty', { file });
      expect([...folder.files.keys()].sort()).toEqual([file, 'notes.txt'].sort());
    }
  });

  it('does not start with an adapter of another model', async () => {
    const base = await openModelFiles(tinyModel({ config: { num_hidden_layers: 1 } }));
    const adapter = await adapterFor(await openModelFiles(tinyModel()));
    const folder = withNotes();
    const start = () => mergeModel(gpu, mergeJob(base, adapter), folder, { maxShardBytes: 1e9 });
    await expectGraftError(start, 'model.adapter_unknown_module');
    expectOnlyNotes(folder);
  });
});

/** `folder` where one file fails at `when`, and the number of its sinks neither closed nor aborted. */
function failing(folder: MemoryFolder, file: string, when: 'create' | 'write' | 'close') {
  let unfinished = 0;
  const disk: WritableFolder = {
    name: folder.name,
    list: () => folder.list(),
    open: (name) => folder.open(name),
    remove: (name) => folder.remove(name),
    async create(name) {
      const fails = (at: string) => {
        if (name.startsWith(file) && at === when) throw new Error('disk full');
      };
      fails('create');
      const sink = await folder.create(name);
      unfinished += 1;
      return {
        async write(bytes) {
          fails('write');
          await sink.write(bytes);
        },
        async close() {
          fails('close');
          await sink.close();
          unfinished -= 1;
        },
        async abort() {
          await sink.abort();
          unfinished -= 1;
        },
      };
    },
  };
  return { disk, unfinished: () => unfinished };
}
