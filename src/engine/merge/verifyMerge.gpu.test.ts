import { beforeEach, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../content/formats/checkpoint.ts';
import type { PeftAdapter } from '../../content/formats/peft.ts';
import { encodeSafetensors } from '../../content/formats/safetensorsWriter.ts';
import type { Gpu } from '../gpu/device.ts';
import { LoraAdapter } from '../model/trained/loraAdapter.ts';
import { planLora, type LoraShape } from '../model/trained/loraModules.ts';
import { openModelFiles, type ModelFiles } from '../model/spec/openModel.ts';
import { MemoryFolder } from '../../base/storage/memoryFolder.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { testGpu } from '../../testing/gpu.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { randomizeAdapter } from '../../testing/passes.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { compareLogits } from './compareLogits.ts';
import { mergeJob, type MergeJob } from './mergeJob.ts';
import { mergeModel } from './mergeModel.ts';
import { planOutput } from './outputPlan.ts';
import { verifyMerge } from './verifyMerge.ts';

const shape: LoraShape = {
  rank: 4,
  alpha: 8,
  rslora: false,
  targets: ['q_proj', 'down_proj'],
  layers: 'all',
};
const files = { 'tokenizer.json': '{"version": "1.0"}', LICENSE: 'Apache-2.0' };

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

async function adapterFor({ spec }: ModelFiles, seed = 5): Promise<PeftAdapter> {
  const adapter = new LoraAdapter(gpu, planLora(spec, shape));
  randomizeAdapter(adapter, seed);
  const peft = await adapter.toPeft({ ...shape, base: 'tiny', dropout: 0 });
  adapter.dispose();
  return peft;
}

async function mergedTiny(dtype: string, maxShardBytes = 1e9) {
  const base = await openModelFiles(tinyModel({ dtype, files }));
  const adapter = await adapterFor(base);
  const folder = new MemoryFolder('merged');
  await mergeModel(gpu, mergeJob(base, adapter), folder, { maxShardBytes });
  return { base, adapter, folder };
}

/** Flips the lowest bit of byte `at` of a tensor in the folder's files. */
async function flip(folder: MemoryFolder, tensor: string, at: number): Promise<void> {
  const { file, info } = (await openCheckpoint(folder)).get(tensor);
  folder.files.get(file.source.name)![file.dataStart + info.begin + at]! ^= 1;
}

describe('the proof of a merge', () => {
  it.each(['F32', 'F16', 'BF16'])(
    'passes for %s, in shards too, and reports how close the logits are',
    async (dtype) => {
      const { base, adapter, folder } = await mergedTiny(dtype, 12_000);
      const told: number[] = [];
      const proof = await verifyMerge(gpu, mergeJob(base, adapter), folder, (done, total) =>
        told.push(done / total),
      );
      expect(proof).toMatchObject({ tensors: 21, changedTensors: 4, bytes: base.checkpoint.totalBytes });
      expect(proof.maxLogitDifference).toBeGreaterThan(0);
      expect(proof.maxLogitDifference).toBeLessThan(proof.allowedLogitDifference);
      expect(told.at(-1)).toBe(1);
    },
  );

  it.each([
    [
      'a tensor without an adapter',
      'model.layers.0.self_attn.k_proj.weight',
      7,
      /k_proj.*changed without an adapter/,
    ],
    ['the embedding', 'model.embed_tokens.weight', 0, /embed_tokens.*changed without an adapter/],
    // 64 bytes a row: rows 0, 8, 16 and 24 are computed in f64, row 5 is not.
    [
      'a merged row computed in f64',
      'model.layers.1.self_attn.q_proj.weight',
      8 * 64 + 1,
      /row 8 of .*q_proj/,
    ],
    ['any other merged row', 'model.layers.1.self_attn.q_proj.weight', 5 * 64 + 63, /row 5 of .*q_proj/],
  ])('fails for one flipped bit of %s', async (_, tensor, at, detail) => {
    const { base, adapter, folder } = await mergedTiny('BF16');
    await flip(folder, tensor, at);
    await expectProofFails(base, adapter, folder, detail);
  });

  it('fails for another adapter', async () => {
    const { base, folder } = await mergedTiny('BF16');
    await expectProofFails(base, await adapterFor(base, 6), folder, /is not W \+ scale/);
  });

  it('fails if nothing was merged', async () => {
    const { base, adapter, folder } = await mergedTiny('BF16');
    folder.files.set('model.safetensors', tinyModel({ dtype: 'BF16' }).files.get('model.safetensors')!);
    await expectProofFails(base, adapter, folder, /is not W \+ scale/);
  });

  it('fails if tensors are missing, reordered or of another dtype', async () => {
    const { base, adapter, folder } = await mergedTiny('BF16');
    const merged = await openCheckpoint(folder);
    const tensors = await Promise.all(
      [...merged.tensors.values()].map(async ({ info: { name, dtype, shape: dims } }) => {
        return { name, dtype, shape: dims, bytes: await merged.read(name) };
      }),
    );
    const write = (list: typeof tensors) => folder.files.set('model.safetensors', encodeSafetensors(list));
    write([tensors[1]!, tensors[0]!, ...tensors.slice(2)]);
    await expectProofFails(base, adapter, folder, /out of order/);
    write([...tensors, { ...tensors[0]!, name: 'extra' }]);
    await expectProofFails(base, adapter, folder, /extra.*missing, extra/);
    write(tensors.map((tensor, i) => (i === 0 ? { ...tensor, dtype: 'F16' } : tensor)));
    await expectProofFails(base, adapter, folder, /changed its dtype or shape/);
    write(tensors.slice(1));
    await expectGraftError(() => verifyMerge(gpu, mergeJob(base, adapter), folder), 'model.tensor_missing');
  });

  it('fails if shards were swapped', async () => {
    const { base, adapter, folder } = await mergedTiny('F32', 12_000);
    const [first, second] = ['model-00001', 'model-00002'].map((start) =>
      [...folder.files.keys()].find((name) => name.startsWith(start))!,
    );
    const bytes = folder.files.get(first!)!;
    folder.files.set(first!, folder.files.get(second!)!);
    folder.files.set(second!, bytes);
    await expectGraftError(
      () => verifyMerge(gpu, mergeJob(base, adapter), folder),
      'formats.index_tensor_unlisted',
    );
  });

  it('fails if a copied file is missing or differs', async () => {
    const { base, adapter, folder } = await mergedTiny('BF16');
    const tokenizer = folder.files.get('tokenizer.json')!;
    const change = (text: string) => folder.files.set('tokenizer.json', new TextEncoder().encode(text));
    change('{"version": "1.1"}');
    await expectProofFails(base, adapter, folder, /“tokenizer.json” changed$/);
    change('{}');
    await expectProofFails(base, adapter, folder, /“tokenizer.json” changed its size/);
    folder.files.delete('tokenizer.json');
    await expectProofFails(base, adapter, folder, /“tokenizer.json” is missing/);
    folder.files.set('tokenizer.json', tokenizer);
    const config = new TextDecoder().decode(folder.files.get('config.json'));
    folder.files.set('config.json', new TextEncoder().encode(config.replace('10000', '20000')));
    await expectProofFails(base, adapter, folder, /“config.json” changed/);
  });
});

describe('compareLogits', () => {
  it('detects an adapter with another scale, where the rest is rounding', async () => {
    const { base, adapter, folder } = await mergedTiny('BF16');
    const merged = await openModelFiles(folder);
    const compare = async (job: MergeJob) =>
      compareLogits(gpu, job, (await planOutput(gpu, job)).tensors, merged);
    expect((await compare(mergeJob(base, adapter))).maxLogitDifference).toBeGreaterThan(0);
    for (const factor of [0.5, 2, -1]) {
      const modules = new Map(
        [...adapter.modules].map(([path, m]) => [path, { ...m, scale: factor * m.scale }]),
      );
      const other = () => compare(mergeJob(base, { ...adapter, modules }));
      await expectGraftError(other, 'merge.proof_failed', { detail: expect.stringMatching(/logits differ/) });
    }
  });
});

async function expectProofFails(
  base: ModelFiles,
  adapter: PeftAdapter,
  folder: MemoryFolder,
  detail: RegExp,
): Promise<void> {
  await expectGraftError(() => verifyMerge(gpu, mergeJob(base, adapter), folder), 'merge.proof_failed', {
    detail: expect.stringMatching(detail) as string,
  });
}
