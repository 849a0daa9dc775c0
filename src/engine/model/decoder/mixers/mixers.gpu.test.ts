import { afterEach, describe, expect, it } from 'vitest';
import { generate } from '../../../infer/generate.ts';
import { argmax } from '../../../infer/sampling.ts';
import { expectClose } from '../../../../testing/compare.ts';
import { testGpu } from '../../../../testing/gpu.ts';
import { batchOf, logitsOfSequence, randomRows } from '../../../../testing/passes.ts';
import { tinyFamilies } from '../../../../testing/tinyFamilies.ts';
import { tinyModel } from '../../../../testing/tinyModel.ts';
import { openModelFiles } from '../../spec/openModel.ts';
import { closeDecoder, openDecoder } from '../../weights/openDecoder.ts';
import { uploadBatch } from '../batchTensors.ts';
import { withoutAdapter, type Decoder } from '../decoder.ts';
import { readLogits } from '../logits.ts';

const V = 40;

let decoder: Decoder;
afterEach(() => closeDecoder(decoder));

const MIXED = ['lfm2', 'qwen35'];

describe.each(MIXED)('the mixers of %s', (name) => {
  const open = async () => {
    const gpu = await testGpu();
    const files = await openModelFiles(tinyModel({ config: tinyFamilies[name]! }));
    decoder = await openDecoder(gpu, files, 'f32');
    return gpu;
  };

  it('keep packed rows apart', async () => {
    const gpu = await open();
    const lengths = [1, 9, 2, 70, 5];
    const rows = randomRows(lengths);
    const logits = (which: number[]) => {
      const batch = uploadBatch(gpu, decoder.workspace, batchOf(rows, which));
      return readLogits(decoder, withoutAdapter, batch);
    };
    const packed = await logits([...lengths.keys()]);
    const alone: number[] = [];
    for (const row of lengths.keys()) alone.push(...(await logits([row])));
    expectClose(packed, Float32Array.from(alone), { atol: 3e-5, rtol: 1e-5 });
  });

  // Prompts shorter than a convolution, and longer than what is prefilled at once.
  it.each([1, 2, 7, 50])('decode as a full pass computes, after a prompt of %i tokens', async (length) => {
    await open();
    const prompt = Array.from({ length }, (_, i) => (7 * i + 3) % V);
    const options = { maxNewTokens: 6, seed: 1, endIds: [], temperature: 0, topK: 0, topP: 1 };
    const { ids } = await generate(decoder, withoutAdapter, prompt, options);
    const full = await logitsOfSequence(decoder, withoutAdapter, [...prompt, ...ids]);
    const chosen = ids.map((_, i) => argmax(full.subarray((length - 1 + i) * V, (length + i) * V)));
    expect(chosen).toEqual(ids);
  });
});
