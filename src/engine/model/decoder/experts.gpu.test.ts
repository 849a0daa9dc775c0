import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ActivationDtype } from '../../../base/config/runRecord.ts';
import type { Gpu } from '../../gpu/device.ts';
import { expectClose } from '../../../testing/compare.ts';
import { testGpu } from '../../../testing/gpu.ts';
import { refuseLeaks } from '../../../testing/leaks.ts';
import { needF16 } from '../../../testing/needs.ts';
import {
  batchOf,
  lossesAndGrads,
  randomizeAdapter,
  randomRows,
  withMaxBinding,
} from '../../../testing/passes.ts';
import { tinyFamilies } from '../../../testing/tinyFamilies.ts';
import { tinyModel } from '../../../testing/tinyModel.ts';
import { openModelFiles } from '../spec/openModel.ts';
import { LoraAdapter } from '../trained/loraAdapter.ts';
import { planLora } from '../trained/loraModules.ts';
import { closeDecoder, openDecoder } from '../weights/openDecoder.ts';
import type { Decoder } from './decoder.ts';

/** Half of the experts of a layer, and inputs of 128 tokens for their experts. */
const maxBinding = 64 * 1024;
const batch = batchOf(randomRows([200, 75]));
const targets = {
  qwen3Moe: 'all-linear',
  graniteMoe: ['router', 'gate_up_proj', 'down_proj', 'output_linear'],
} as const;

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

async function gradients(on: Gpu, name: keyof typeof targets, type: ActivationDtype) {
  const config = { max_position_embeddings: 512, ...tinyFamilies[name] };
  const decoder = await openDecoder(on, await openModelFiles(tinyModel({ config })), type);
  decoders.push(decoder);
  const shape = { rank: 4, alpha: 8, rslora: false, targets: targets[name], layers: 'all' } as const;
  const adapter = new LoraAdapter(on, planLora(decoder.spec, shape));
  randomizeAdapter(adapter);
  const made = await lossesAndGrads(decoder, adapter, batch);
  adapter.dispose();
  return { ...made, dispatches: decoder.commands.dispatches };
}

describe.each(['qwen3Moe', 'graniteMoe'] as const)('the experts of %s', (name) => {
  it('are the same in parts that fit a binding', async () => {
    const expected = await gradients(gpu, name, 'f32');
    const actual = await gradients(withMaxBinding(gpu, maxBinding), name, 'f32');
    expectClose(actual.losses, expected.losses, { atol: 1e-6, rtol: 1e-6 });
    expectClose(actual.grads, expected.grads, { atol: 2e-7, rtol: 1e-4 });
    expect(actual.dispatches).toBeGreaterThan(expected.dispatches);
  });

  it('are nearly the same with activations in f16', async (context) => {
    needF16(context, gpu);
    const expected = await gradients(gpu, name, 'f32');
    const actual = await gradients(gpu, name, 'f16');
    // Of experts with nearly the same logits, rounding may choose the other: losses of single tokens differ.
    const mean = (losses: ArrayLike<number>) =>
      Array.from(losses).reduce((sum, loss) => sum + loss, 0) / losses.length;
    expect(Math.abs(mean(actual.losses) / mean(expected.losses) - 1)).toBeLessThan(5e-3);
    const moved = Array.from(actual.losses).filter((loss, i) => Math.abs(loss - expected.losses[i]!) > 0.05);
    expect(moved.length / actual.losses.length).toBeLessThan(0.05);
  });
});
