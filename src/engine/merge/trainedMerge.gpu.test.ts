import { beforeEach, describe, expect, it } from 'vitest';
import { decodeFloats, encodeFloats } from '../../base/lib/floats.ts';
import type { Gpu } from '../gpu/device.ts';
import { upload } from '../gpu/transfer.ts';
import { LoraAdapter } from '../model/trained/loraAdapter.ts';
import { planLora } from '../model/trained/loraModules.ts';
import { FullParameters } from '../model/trained/fullParameters.ts';
import { closeDecoder, openDecoder } from '../model/weights/openDecoder.ts';
import { openModelFiles, type ModelFiles } from '../model/spec/openModel.ts';
import { MemoryFolder } from '../../base/storage/memoryFolder.ts';
import { createRandom } from '../../base/lib/random.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { testGpu } from '../../testing/gpu.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { logitsOfSequence, readBuffers } from '../../testing/passes.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { mergeJob } from './mergeJob.ts';
import { mergeModel } from './mergeModel.ts';
import { verifyMerge } from './verifyMerge.ts';

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

/** All parameters of a model, slightly changed. */
async function moved(base: ModelFiles): Promise<FullParameters> {
  const decoder = await openDecoder(gpu, base, 'f32');
  const trained = new FullParameters(gpu, base.spec);
  await trained.copyModel(decoder);
  closeDecoder(decoder);
  const random = createRandom(9);
  for (const buffer of trained.params) {
    const values = await readBuffers(gpu, [buffer]);
    upload(
      gpu,
      buffer,
      values.map((value) => value + 0.1 * (random.next() - 0.5)) as Float32Array<ArrayBuffer>,
    );
  }
  return trained;
}

describe.each([
  ['F32', {}],
  ['BF16', { attention_bias: true }],
  ['F16', { tie_word_embeddings: true }],
  [
    'BF16',
    { architectures: ['Qwen3ForCausalLM'], model_type: 'qwen3', head_dim: 8, tie_word_embeddings: true },
  ],
] as const)('a model of which every parameter was trained, %s, %j', (dtype, config) => {
  it('is written completely in its own dtype, and passes the proof', async () => {
    const base = await openModelFiles(tinyModel({ dtype, config }));
    const trained = await moved(base);
    const model = trained.trainedModel();
    const job = mergeJob(base, null, { trained: model });
    const folder = new MemoryFolder('trained');
    await mergeModel(gpu, job, folder, { maxShardBytes: 4096 });
    const proof = await verifyMerge(gpu, job, folder);
    const files = await openModelFiles(folder);
    expect([...files.checkpoint.tensors.keys()].sort()).toEqual([...base.checkpoint.tensors.keys()].sort());
    expect(proof.changedTensors).toBe(base.checkpoint.tensors.size);
    for (const [name, { rows, read }] of model) {
      const { info } = files.checkpoint.get(name);
      expect([info.dtype, info.shape]).toEqual([dtype, base.checkpoint.get(name).info.shape]);
      const values = decodeFloats(await files.checkpoint.read(name), dtype);
      expect(values).toEqual(decodeFloats(encodeFloats(await read(0, rows), dtype), dtype));
    }
    if (dtype === 'F32') {
      const ids = [1, 5, 9];
      const decoder = await openDecoder(gpu, base, 'f32');
      const again = await openDecoder(gpu, files, 'f32');
      const use = { adapter: trained, strength: 1, dropout: null };
      expect(await logitsOfSequence(again, { ...use, strength: 0 }, ids)).toEqual(
        await logitsOfSequence(decoder, use, ids),
      );
      closeDecoder(decoder);
      closeDecoder(again);
    }
    trained.dispose();
  });
});

it('a tied head that the base stores anyway becomes the trained embedding', async () => {
  const config = { tie_word_embeddings: true };
  const base = await openModelFiles(
    tinyModel({
      config,
      edit: (tensors) => [
        ...tensors,
        { ...tensors.find(({ name }) => name === 'model.embed_tokens.weight')!, name: 'lm_head.weight' },
      ],
    }),
  );
  const trained = await moved(base);
  const job = mergeJob(base, null, { trained: trained.trainedModel() });
  const folder = new MemoryFolder('trained');
  await mergeModel(gpu, job, folder, { maxShardBytes: 1e9 });
  const { checkpoint } = await openModelFiles(folder);
  const embedding = await checkpoint.read('model.embed_tokens.weight');
  expect(await checkpoint.read('lm_head.weight')).toEqual(embedding);
  expect(embedding).not.toEqual(await base.checkpoint.read('model.embed_tokens.weight'));
  trained.dispose();
});

it('a wrong byte of a trained tensor fails the proof', async () => {
  const base = await openModelFiles(tinyModel());
  const trained = await moved(base);
  const job = mergeJob(base, null, { trained: trained.trainedModel() });
  const folder = new MemoryFolder('trained');
  await mergeModel(gpu, job, folder, { maxShardBytes: 1e9 });
  const bytes = folder.files.get('model.safetensors') as Uint8Array<ArrayBuffer>;
  bytes[bytes.byteLength - 3]! ^= 1;
  await expectGraftError(() => verifyMerge(gpu, job, folder), 'merge.proof_failed');
  trained.dispose();
});

it('is neither written in 4 bits nor treated as an adapter', async () => {
  const base = await openModelFiles(tinyModel());
  const trained = await moved(base);
  const job = mergeJob(base, null, { trained: trained.trainedModel(), quantize: { doubleQuant: false } });
  await expectGraftError(
    () => mergeModel(gpu, job, new MemoryFolder('out'), { maxShardBytes: 1e9 }),
    'merge.trained_floats_only',
  );
  await expectGraftError(() => trained.toPeft(), 'train.full_no_adapter');
  const shape = { rank: 2, alpha: 4, rslora: false, targets: ['q_proj'], layers: 'all' as const };
  const adapter = new LoraAdapter(gpu, planLora(base.spec, shape));
  expect([trained.kind, adapter.kind, adapter.trainedModel()]).toEqual(['model', 'adapter', null]);
  adapter.dispose();
  trained.dispose();
});
