import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Gpu } from '../../gpu/device.ts';
import { expectClose } from '../../../testing/compare.ts';
import { testGpu } from '../../../testing/gpu.ts';
import { refuseLeaks } from '../../../testing/leaks.ts';
import {
  batchOf,
  lossesAndGrads,
  randomizeAdapter,
  randomRows,
  readBuffers,
  withMaxBinding,
} from '../../../testing/passes.ts';
import { upload } from '../../gpu/transfer.ts';
import { tinyModel } from '../../../testing/tinyModel.ts';
import type { Decoder } from './decoder.ts';
import { LoraAdapter } from '../trained/loraAdapter.ts';
import { planLora } from '../trained/loraModules.ts';
import { closeDecoder, openDecoder } from '../weights/openDecoder.ts';
import { openModelFiles } from '../spec/openModel.ts';

// Gate and up are by far the widest: for 128 rows they take 160 KiB.
const config = { intermediate_size: 160, num_hidden_layers: 1, max_position_embeddings: 512 };
const maxBinding = 200 * 1024;
/** More than two parts of 128 tokens, the last of them short. */
const batch = batchOf(randomRows([200, 75]));

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

async function open(on: Gpu): Promise<{ decoder: Decoder; adapter: LoraAdapter }> {
  const decoder = await openDecoder(on, await openModelFiles(tinyModel({ config })), 'f32');
  decoders.push(decoder);
  const targets = ['gate_proj', 'up_proj', 'down_proj'];
  const shape = { rank: 8, alpha: 16, rslora: false, targets, layers: 'all' } as const;
  const adapter = new LoraAdapter(on, planLora(decoder.spec, shape));
  randomizeAdapter(adapter);
  return { decoder, adapter };
}

it('is the same whether all tokens pass at once or in parts that fit a binding', async () => {
  const whole = await open(gpu);
  const parts = await open(withMaxBinding(gpu, maxBinding));
  const expected = await lossesAndGrads(whole.decoder, whole.adapter, batch);
  const actual = await lossesAndGrads(parts.decoder, parts.adapter, batch);
  expectClose(actual.losses, expected.losses, { atol: 1e-6, rtol: 1e-6 });
  expectClose(actual.grads, expected.grads, { atol: 1e-7, rtol: 1e-5 });
  expect(parts.decoder.commands.dispatches).toBeGreaterThan(whole.decoder.commands.dispatches);
  for (const { adapter } of [whole, parts]) adapter.dispose();
});

it('drops the same elements in forward and backward in each part', async () => {
  const { decoder, adapter } = await open(withMaxBinding(gpu, maxBinding));
  const dropout = { p: 0.3, seed: 9 };
  const start = await readBuffers(gpu, adapter.params);
  const { grads } = await lossesAndGrads(decoder, adapter, batch, { dropout });
  const norm = Math.hypot(...grads);
  const lossAt = async (step: number) => {
    upload(
      gpu,
      adapter.params[0]!,
      start.map((value, i) => value + (step * grads[i]!) / norm),
    );
    const { losses } = await lossesAndGrads(decoder, adapter, batch, { dropout });
    return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  };
  // Along the gradient, the loss increases by its norm.
  const slope = ((await lossAt(0.02)) - (await lossAt(-0.02))) / 0.04;
  expect(slope / norm).toBeCloseTo(1, 2);
  adapter.dispose();
});
