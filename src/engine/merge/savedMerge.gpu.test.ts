import { beforeEach, describe, expect, it } from 'vitest';
import { decodeFloats, encodeFloats } from '../../base/lib/floats.ts';
import type { Gpu } from '../gpu/device.ts';
import { openModelFiles, type ModelFiles } from '../model/spec/openModel.ts';
import { MemoryFolder } from '../../base/storage/memoryFolder.ts';
import { randomArray } from '../../testing/compare.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { testGpu } from '../../testing/gpu.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { randomPeft } from '../../testing/mergeAdapter.ts';
import { tinyModel, type TinyTensor } from '../../testing/tinyModel.ts';
import { mergeJob } from './mergeJob.ts';
import { mergeModel } from './mergeModel.ts';
import { verifyMerge } from './verifyMerge.ts';

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

/** A random adapter with these matrices trained in full. */
function adapterWith(base: ModelFiles, roles: readonly ('embedding' | 'head')[]) {
  const { names, vocabSize: rows, hiddenSize: cols } = base.spec;
  const values = roles.map((_, i) => randomArray(20 + i, rows * cols, 0.5));
  const saved = new Map(
    roles.map((role, i) => [
      names[role],
      {
        rows,
        cols,
        read: async (row: number, count: number) => values[i]!.slice(row * cols, (row + count) * cols),
      },
    ]),
  );
  const peft = randomPeft(base);
  const lastParts = roles.map((role) => names[role].split('.').at(-1)!);
  return { peft: { ...peft, config: { ...peft.config, modules_to_save: lastParts }, saved }, values };
}

async function writeProved(base: ModelFiles, roles: readonly ('embedding' | 'head')[]) {
  const { peft, values } = adapterWith(base, roles);
  const job = mergeJob(base, peft);
  const folder = new MemoryFolder('merged');
  await mergeModel(gpu, job, folder, { maxShardBytes: 1e9 });
  const proof = await verifyMerge(gpu, job, folder);
  const files = await openModelFiles(folder);
  const read = async (module: string) => {
    const { info } = files.checkpoint.get(`${module}.weight`);
    return decodeFloats(await files.checkpoint.read(`${module}.weight`), info.dtype);
  };
  const rounded = values.map((list) => decodeFloats(encodeFloats(list, 'BF16'), 'BF16'));
  return { proof, files, read, rounded };
}

describe('a merge of modules trained in full', () => {
  it('replaces the base’s, rounded once', async () => {
    const base = await openModelFiles(tinyModel({ dtype: 'BF16' }));
    const { proof, files, read, rounded } = await writeProved(base, ['embedding', 'head']);
    expect(await read('model.embed_tokens')).toEqual(rounded[0]);
    expect(await read('lm_head')).toEqual(rounded[1]);
    expect([...files.checkpoint.tensors.keys()]).toEqual([...base.checkpoint.tensors.keys()]);
    expect(files.spec.tied).toBe(false);
    expect(proof.changedTensors).toBe(6);
  });

  it.each<{ roles: ('embedding' | 'head')[] }>([
    { roles: ['head'] },
    { roles: ['embedding'] },
    { roles: ['embedding', 'head'] },
  ])('gives a tied model its own head: $roles', async ({ roles }) => {
    const config = { tie_word_embeddings: true };
    const base = await openModelFiles(tinyModel({ dtype: 'BF16', config }));
    const before = decodeFloats(await base.checkpoint.read('model.embed_tokens.weight'), 'BF16');
    const { files, read, rounded } = await writeProved(base, roles);
    expect(files.spec.tied).toBe(false);
    const trained = (role: 'embedding' | 'head') =>
      roles.some((own) => own === role) ? rounded[roles.findIndex((own) => own === role)] : before;
    expect(await read('model.embed_tokens')).toEqual(trained('embedding'));
    expect(await read('lm_head')).toEqual(trained('head'));
    expect([...files.checkpoint.tensors.keys()].at(-1)).toBe('lm_head.weight');
  });

  it('keeps a tied model tied if the embedding it trained is also the head', async () => {
    const config = { tie_word_embeddings: true };
    const copy = (tensors: TinyTensor[]) => [...tensors, { ...tensors[0]!, name: 'lm_head.weight' }];
    for (const edit of [undefined, copy]) {
      const base = await openModelFiles(tinyModel({ dtype: 'BF16', config, ...(edit && { edit }) }));
      const { peft, values } = adapterWith(base, ['embedding']);
      const job = mergeJob(base, { ...peft, tiedHead: 'lm_head' });
      const folder = new MemoryFolder('merged');
      await mergeModel(gpu, job, folder, { maxShardBytes: 1e9 });
      await verifyMerge(gpu, job, folder);
      const files = await openModelFiles(folder);
      expect(files.spec.tied).toBe(true);
      const rounded = decodeFloats(encodeFloats(values[0]!, 'BF16'), 'BF16');
      for (const name of ['model.embed_tokens.weight', ...(edit ? ['lm_head.weight'] : [])]) {
        expect(decodeFloats(await files.checkpoint.read(name), 'BF16')).toEqual(rounded);
      }
    }
  });

  it('rejects a module of the wrong size', async () => {
    const base = await openModelFiles(tinyModel());
    const other = await openModelFiles(tinyModel({ config: { vocab_size: 48 } }));
    const job = mergeJob(base, adapterWith(other, ['head']).peft);
    await expectGraftError(
      () => mergeModel(gpu, job, new MemoryFolder('out'), { maxShardBytes: 1e9 }),
      'model.adapter_vocabulary',
      { module: 'lm_head', actual: 48, expected: 40 },
    );
  });
});

describe('a merge of LoRA on the head', () => {
  const copy = (tensors: TinyTensor[]) => [...tensors, { ...tensors[0]!, name: 'lm_head.weight' }];
  const other = ([table, ...rest]: TinyTensor[]) => {
    const bytes = encodeFloats(decodeFloats(table!.bytes, 'BF16').toReversed(), 'BF16');
    return [table!, ...rest, { ...table!, name: 'lm_head.weight', bytes }];
  };
  const rename = (tensors: TinyTensor[]) =>
    tensors.map((t, i) => (i === 0 ? { ...t, name: 'lm_head.weight' } : t));

  it.each<[string, boolean, ((tensors: TinyTensor[]) => TinyTensor[])?]>([
    ['a head of its own', false],
    ['a tied one', true],
    ['a tied one that stores a copy', true, copy],
    ['one that says it is tied, and is not', true, other],
    ['a tied one that stores the head alone', true, rename],
  ])('gives %s W + scale · B · A and does not change the embedding', async (_, tied, edit) => {
    const config = { tie_word_embeddings: tied };
    const base = await openModelFiles(tinyModel({ dtype: 'BF16', config, ...(edit && { edit }) }));
    const peft = randomPeft(base, { targets: ['lm_head', 'q_proj'] });
    const job = mergeJob(base, peft);
    const folder = new MemoryFolder('merged');
    await mergeModel(gpu, job, folder, { maxShardBytes: 1e9 });
    await verifyMerge(gpu, job, folder);
    const merged = await openModelFiles(folder);
    expect(JSON.parse(new TextDecoder().decode(folder.files.get('config.json')))).toMatchObject({
      tie_word_embeddings: false,
    });
    const read = async ({ checkpoint }: ModelFiles, name: string) =>
      decodeFloats(await checkpoint.read(name), 'BF16');
    const embedding = await read(base, 'model.embed_tokens.weight');
    expect(await read(merged, 'model.embed_tokens.weight')).toEqual(embedding);
    const before = base.spec.tied ? embedding : await read(base, 'lm_head.weight');
    const { a, b, rank, scale } = peft.modules.get('lm_head')!;
    const { hiddenSize: d } = base.spec;
    const exact = before.map((w, i) => {
      const [row, col] = [Math.floor(i / d), i % d];
      let sum = 0;
      for (let r = 0; r < rank; r++) sum += b[row * rank + r]! * a[r * d + col]!;
      return w + scale * sum;
    });
    const after = await read(merged, 'lm_head.weight');
    // Half an ulp of BF16, plus the error of f32 sums.
    after.forEach((value, i) =>
      expect(Math.abs(value - exact[i]!)).toBeLessThanOrEqual(Math.abs(exact[i]!) * 2 ** -8 + 1e-5),
    );
    expect([...merged.checkpoint.tensors.keys()].filter((name) => name === 'lm_head.weight')).toHaveLength(1);
  });
});
