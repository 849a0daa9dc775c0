import { afterEach, beforeEach, expect, it } from 'vitest';
import { encodeFloats } from '../../../base/lib/floats.ts';
import { createRandom } from '../../../base/lib/random.ts';
import { dequantizeRef } from '../../../content/formats/quantized/dequantize.ref.ts';
import type { Gpu } from '../../gpu/device.ts';
import { expectClose } from '../../../testing/compare.ts';
import { testGpu } from '../../../testing/gpu.ts';
import { refuseLeaks } from '../../../testing/leaks.ts';
import { batchOf, randomRows } from '../../../testing/passes.ts';
import { awqModel, gptqModel } from '../../../testing/quantizedModel.ts';
import { tinyFamilies } from '../../../testing/tinyFamilies.ts';
import { tinyModel, type TinyTensor } from '../../../testing/tinyModel.ts';
import { uploadBatch } from '../decoder/batchTensors.ts';
import type { Decoder } from '../decoder/decoder.ts';
import { readLogits } from '../decoder/logits.ts';
import { openModelFiles, type ModelFiles } from '../spec/openModel.ts';
import { matricesOf } from '../spec/spec.ts';
import { closeDecoder, openDecoder } from './openDecoder.ts';

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

let decoders: Decoder[] = [];
afterEach(() => {
  decoders.forEach(closeDecoder);
  decoders = [];
});

const family = tinyFamilies.qwen3Moe!;

async function logitsOf(files: ModelFiles): Promise<Float32Array> {
  const decoder = await openDecoder(gpu, files, 'f32');
  decoders.push(decoder);
  const batch = uploadBatch(gpu, decoder.workspace, batchOf(randomRows([9, 14])));
  return readLogits(decoder, { adapter: null, strength: 1, dropout: null }, batch);
}

/** Random codes and zeros, and scales at which weights are of the size of a fresh model's. */
function randomized(tensors: TinyTensor[]): TinyTensor[] {
  const random = createRandom(3);
  return tensors.map((tensor) => {
    if (tensor.name.endsWith('.scales')) {
      const scales = Float32Array.from(
        { length: tensor.bytes.length / 2 },
        () => 0.01 + 0.02 * random.next(),
      );
      return { ...tensor, bytes: encodeFloats(scales, 'F16') };
    }
    if (!/\.q(?:weight|zeros)$/.test(tensor.name)) return tensor;
    return { ...tensor, bytes: tensor.bytes.map(() => random.below(256)) };
  });
}

/** The model whose matrices are the numbers that those of a quantized one stand for. */
async function inFloats({ spec, checkpoint, quantization, matrices }: ModelFiles): Promise<ModelFiles> {
  const values = new Map<string, Float32Array>();
  for (const { module, rows, cols } of matricesOf(spec)) {
    const stored = matrices.get(module)!;
    values.set(`${module}.weight`, await dequantizeRef(checkpoint, quantization, stored, rows, cols));
  }
  const edit = (tensors: TinyTensor[]) =>
    tensors.map((tensor) => {
      const own = values.get(tensor.name);
      return own ? { ...tensor, bytes: encodeFloats(Float32Array.from(own), 'F32') } : tensor;
    });
  return openModelFiles(tinyModel({ config: family, edit }));
}

it.each([
  ['GPTQ', gptqModel(16, true)],
  ['GPTQ, groups of inputs out of order', gptqModel(16, false)],
  ['AWQ', awqModel(16)],
])('experts in the format of %s are the matrices that they stand for', async (_, { config, edit }) => {
  const model = tinyModel({ config: { ...family, ...config }, edit: (tensors) => randomized(edit(tensors)) });
  const files = await openModelFiles(model);
  const experts = [...files.matrices].filter(([module]) => module.includes('.experts.'));
  expect(experts.length).toBeGreaterThan(0);
  expect(experts.filter(([, { kind }]) => kind === 'float')).toEqual([]);
  const expected = await logitsOf(await inFloats(files));
  expectClose(await logitsOf(files), expected, { atol: 1e-5, rtol: 1e-4 });
});
