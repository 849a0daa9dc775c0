import { expect, it } from 'vitest';
import { testGpu } from '../../../testing/gpu.ts';
import { refuseLeaks } from '../../../testing/leaks.ts';
import { logitsOfSequence } from '../../../testing/passes.ts';
import { tinyModel } from '../../../testing/tinyModel.ts';
import { withoutAdapter } from '../decoder/decoder.ts';
import { openModelFiles } from '../spec/openModel.ts';
import { LoraAdapter } from '../trained/loraAdapter.ts';
import { planLora } from '../trained/loraModules.ts';
import { copyModelValues } from '../trained/modelValues.ts';
import { planSaved } from '../trained/savedModules.ts';
import { embeddingBytes } from './embeddingPlace.ts';
import { closeDecoder, openDecoder } from './openDecoder.ts';

refuseLeaks();

const VOCAB = 70_000;
/** An embedding of 34 MiB; the head takes half. */
const model = () =>
  tinyModel({
    config: { hidden_size: 128, vocab_size: VOCAB },
    dtype: (name) => (name.includes('embed') ? 'F32' : 'BF16'),
  });

it('a large embedding of its own stays on disk, with the bits of one on the GPU, and reads each row once', async () => {
  const gpu = await testGpu();
  const files = await openModelFiles(model());
  let bytesRead = 0;
  const { source } = files.checkpoint.files[0]!.file;
  const read = source.read.bind(source);
  source.read = (offset, length) => ((bytesRead += length), read(offset, length));
  const before = gpu.memory.bytes;
  const shares: number[] = [];
  const decoder = await openDecoder(gpu, files, 'f32', {
    onProgress: (done, total) => shares.push(done / total),
  });
  expect(shares.at(-1)).toBe(1);
  expect(embeddingBytes(files)).toBe(4 * 128 * VOCAB);
  expect(gpu.memory.bytes - before).toBeLessThan(0.6 * embeddingBytes(files));

  const ids = [VOCAB - 1, 0, 7, 7, 12_345, 63, 0];
  bytesRead = 0;
  const onDisk = await logitsOfSequence(decoder, withoutAdapter, ids);
  // Rows that are near each other come in one read.
  expect(bytesRead).toBeGreaterThanOrEqual(5 * 4 * 128);
  expect(bytesRead).toBeLessThan(100_000);
  bytesRead = 0;
  expect(await logitsOfSequence(decoder, withoutAdapter, ids)).toEqual(onDisk);
  expect(bytesRead).toBe(0);

  // Trained in full, all of it is on the GPU, and begins with the model's values.
  const { spec } = decoder;
  const modules = planLora(spec, { rank: 2, alpha: 2, rslora: false, targets: ['q_proj'], layers: 'all' });
  const adapter = new LoraAdapter(gpu, modules, planSaved(spec, ['embed_tokens']));
  await copyModelValues(decoder, adapter);
  const use = { adapter, strength: 1, dropout: null };
  expect(await logitsOfSequence(decoder, use, ids)).toEqual(onDisk);
  adapter.dispose();
  closeDecoder(decoder);
});
