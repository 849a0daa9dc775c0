import { afterEach, expect, it, vi } from 'vitest';
import { DryGpu } from '../../gpu/dryGpu.ts';
import type { Folder } from '../../../base/storage/types.ts';
import { modelFolder } from '../../../testing/golden.ts';
import { batchOf, randomRows } from '../../../testing/passes.ts';
import { tinyFamilies } from '../../../testing/tinyFamilies.ts';
import { tinyModel } from '../../../testing/tinyModel.ts';
import { uploadBatch } from './batchTensors.ts';
import type { Decoder } from './decoder.ts';
import { LoraAdapter } from '../trained/loraAdapter.ts';
import { planLora } from '../trained/loraModules.ts';
import { closeDecoder, openDecoder } from '../weights/openDecoder.ts';
import { openModelFiles } from '../spec/openModel.ts';

const limits = { maxBinding: 2 ** 27, hasF16: true, description: 'test' };
const MAX_DISPATCHES = 60;

let decoder: Decoder;
afterEach(() => {
  vi.restoreAllMocks();
  closeDecoder(decoder);
});

/** Dispatches per layer of a micro-batch with all seven LoRA targets: forward, recomputation and backward. */
async function dispatchesOfLayer(folder: Folder, doubleQuant: boolean | null, dropout = 0): Promise<number> {
  const gpu = new DryGpu(limits);
  const quantize = doubleQuant === null ? null : { doubleQuant };
  const files = await openModelFiles(folder);
  decoder = await openDecoder(gpu, files, 'f16', { quantize });
  const shape = { rank: 8, alpha: 16, rslora: false, targets: 'all-linear', layers: 'all' } as const;
  const adapter = new LoraAdapter(gpu, planLora(decoder.spec, shape));
  const tensors = uploadBatch(gpu, decoder.workspace, batchOf(randomRows([9, 4])));
  const mask = dropout > 0 ? { p: dropout, seed: 1 } : null;
  const pass = decoder.pass(tensors, { adapter, strength: 1, dropout: mask });
  const run = vi.spyOn(decoder.commands, 'run');
  const hidden = await decoder.forward(pass, tensors, true);
  const forwards = run.mock.calls.length;
  // Another pass in between, so that the last block is recomputed too.
  await decoder.forward({ ...pass }, tensors, true);
  run.mock.calls.splice(forwards);
  await decoder.backward(pass, hidden, hidden.at(-1)!, adapter.makeGradients());
  const inLayers = run.mock.calls.filter(([shader]) => shader !== 'embedding');
  return inLayers.length / decoder.spec.layers;
}

it.each(['tiny-qwen2', 'tiny-qwen3', 'tiny-llama3'])(
  '%s takes at most 60 dispatches per layer',
  async (model) => {
    // With fused projections.
    const folder = modelFolder(model);
    const plain = await dispatchesOfLayer(folder, null);
    expect(plain).toBeLessThanOrEqual(48);
    const nf4 = await dispatchesOfLayer(folder, false);
    expect(nf4).toBeLessThanOrEqual(MAX_DISPATCHES);
    // Nested scales prevent fusing.
    const nested = await dispatchesOfLayer(folder, true);
    expect(nested).toBeGreaterThan(plain);
    expect(nested).toBeLessThanOrEqual(MAX_DISPATCHES);
  },
);

// A norm after a half, or a factor of what it adds, is another dispatch each way; where a norm is missing, there is a copy.
// nanochat's norm of the embedding counts for both layers.
it.each([
  ['gemma3', 55],
  ['gemma2', 55],
  ['granite', 53],
  ['phi3', 48],
  ['olmo2', 55],
  ['glm4', 55],
  ['hunyuan', 48],
  ['nanochat', 48.5],
  // A convolution takes 5 fewer than attention.
  ['lfm2', 45.5],
  ['qwen3Moe', 71],
  ['graniteMoe', 74],
  // A gate of attention takes 3 more, a gated delta rule 11.
  ['qwen35', 55],
])('%s takes %i dispatches per layer', async (name, count) => {
  const files = tinyModel({ config: tinyFamilies[name]! });
  expect(await dispatchesOfLayer(files, null)).toBe(count);
});

it('takes more with dropout, where each module has its own mask', async () => {
  expect(await dispatchesOfLayer(modelFolder('tiny-qwen2'), null, 0.1)).toBeGreaterThan(MAX_DISPATCHES);
});
