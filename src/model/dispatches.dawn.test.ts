import { afterEach, expect, it, vi } from 'vitest';
import { DryGpu } from '../gpu/dryGpu.ts';
import { sharedFolder } from '../testing/golden.ts';
import { batchOf, randomRows } from '../testing/passes.ts';
import { uploadBatch } from './batchTensors.ts';
import type { Decoder } from './decoder.ts';
import { LoraAdapter } from './loraAdapter.ts';
import { planLora } from './loraModules.ts';
import { closeDecoder, openDecoder } from './openDecoder.ts';
import { openModelFiles } from './openModel.ts';

const limits = { maxBinding: 2 ** 27, hasF16: true, description: 'test' };
const MOST = 60;

let decoder: Decoder;
afterEach(() => {
  vi.restoreAllMocks();
  closeDecoder(decoder);
});

/** Dispatches a layer takes in a micro-batch with all seven LoRA targets: forward, recomputation and backward. */
async function dispatchesOfLayer(model: string, doubleQuant: boolean | null, dropout = 0): Promise<number> {
  const gpu = new DryGpu(limits);
  const quantize = doubleQuant === null ? null : { doubleQuant };
  const files = await openModelFiles(sharedFolder(`models/${model}`));
  decoder = await openDecoder(gpu, files, 'f16', { quantize });
  const shape = { rank: 8, alpha: 16, rslora: false, targets: 'all-linear', layers: 'all' } as const;
  const adapter = new LoraAdapter(gpu, planLora(decoder.spec, shape));
  const tensors = uploadBatch(gpu, decoder.workspace, batchOf(randomRows([9, 4])));
  const mask = dropout > 0 ? { p: dropout, seed: 1 } : null;
  const pass = decoder.pass(tensors, { adapter, strength: 1, dropout: mask });
  const run = vi.spyOn(decoder.commands, 'run');
  const hidden = await decoder.forward(pass, tensors, true);
  const forwards = run.mock.calls.length;
  // Another pass in between: without it the last block would not run again.
  await decoder.forward({ ...pass }, tensors, true);
  run.mock.calls.splice(forwards);
  await decoder.backward(pass, hidden, hidden.at(-1)!, adapter.makeGradients());
  const inLayers = run.mock.calls.filter(([shader]) => shader !== 'embedding');
  return inLayers.length / decoder.spec.layers;
}

it.each(['tiny-qwen2', 'tiny-qwen3', 'tiny-llama3'])(
  '%s takes at most 60 dispatches a layer',
  async (model) => {
    // Siblings in one product.
    const plain = await dispatchesOfLayer(model, null);
    expect(plain).toBeLessThanOrEqual(48);
    const nf4 = await dispatchesOfLayer(model, false);
    expect(nf4).toBeLessThanOrEqual(MOST);
    // Scales that are codes themselves keep siblings apart.
    const nested = await dispatchesOfLayer(model, true);
    expect(nested).toBeGreaterThan(plain);
    expect(nested).toBeLessThanOrEqual(MOST);
  },
);

it('takes more with dropout, where each module has a mask of its own', async () => {
  expect(await dispatchesOfLayer('tiny-qwen2', null, 0.1)).toBeGreaterThan(MOST);
});
