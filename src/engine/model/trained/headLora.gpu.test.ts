import { beforeEach, describe, expect, it } from 'vitest';
import type { Gpu } from '../../gpu/device.ts';
import { upload } from '../../gpu/transfer.ts';
import { expectClose } from '../../../testing/compare.ts';
import { expectGraftError } from '../../../testing/errors.ts';
import { testGpu } from '../../../testing/gpu.ts';
import { refuseLeaks } from '../../../testing/leaks.ts';
import {
  batchOf,
  lossesAndGrads,
  logitsOfSequence,
  modulesOf,
  randomizeAdapter,
  randomRows,
  readBuffers,
  withMaxBinding,
} from '../../../testing/passes.ts';
import { tinyModel } from '../../../testing/tinyModel.ts';
import { withoutAdapter, type Decoder } from '../decoder/decoder.ts';
import { LoraAdapter } from './loraAdapter.ts';
import { isHead, planLora } from './loraModules.ts';
import { closeDecoder, openDecoder } from '../weights/openDecoder.ts';
import { openModelFiles } from '../spec/openModel.ts';
import type { Dropout } from '../decoder/pass.ts';
import type { Streaming } from '../weights/streaming.ts';

const V = 150;
const d = 32;
const rank = 3;
const shape = { rank, alpha: 6, rslora: false, targets: ['q_proj', 'lm_head'], layers: 'all' as const };

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

interface Choices {
  tied?: boolean;
  on?: Gpu;
  streaming?: Streaming;
  targets?: string[];
  type?: 'f32' | 'f16';
}

async function open({
  tied = false,
  on = gpu,
  streaming,
  targets = shape.targets,
  type = 'f32',
}: Choices = {}) {
  const config = { vocab_size: V, tie_word_embeddings: tied };
  const files = await openModelFiles(tinyModel({ config, dtype: 'BF16' }));
  const decoder = await openDecoder(on, files, type, streaming && { streaming });
  const adapter = new LoraAdapter(on, planLora(decoder.spec, { ...shape, targets }));
  randomizeAdapter(adapter);
  return { decoder, adapter };
}

function close({ decoder, adapter }: { decoder: Decoder; adapter: LoraAdapter }): void {
  adapter.dispose();
  closeDecoder(decoder);
}

/** The slope of the mean loss along its own gradient, divided by the gradient's norm, for A and B of the head. */
async function slopes(
  { decoder, adapter }: { decoder: Decoder; adapter: LoraAdapter },
  dropout: Dropout | null = null,
): Promise<number[]> {
  const batch = batchOf(randomRows([65, 13, 40], { vocab: V }));
  const { grads } = await lossesAndGrads(decoder, adapter, batch, { dropout });
  const params = await readBuffers(gpu, adapter.params);
  const meanLoss = async (values: Float32Array) => {
    upload(gpu, adapter.params[0]!, values as Float32Array<ArrayBuffer>);
    const { losses } = await lossesAndGrads(decoder, adapter, batch, { dropout });
    return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  };
  const head = modulesOf(adapter, grads).find(({ module }) => isHead(module))!;
  const found: number[] = [];
  for (const own of [head.a, head.b]) {
    const start = (own.byteOffset - grads.byteOffset) / 4;
    const length = Math.hypot(...own);
    expect(length).toBeGreaterThan(1e-3);
    const moved = (sign: number) =>
      params.map((value, i) =>
        i >= start && i < start + own.length ? value + (sign * 1e-2 * grads[i]!) / length : value,
      );
    found.push(((await meanLoss(moved(1))) - (await meanLoss(moved(-1)))) / 2e-2 / length);
  }
  return found;
}

describe.each([{ tied: false }, { tied: true }])('LoRA on the head, %j', ({ tied }) => {
  it('adds scale · B · A to the head', async () => {
    const { decoder, adapter } = await open({ tied, targets: ['lm_head'] });
    const ids = [1, 7, 139, 0];
    const base = await logitsOfSequence(decoder, withoutAdapter, ids);
    const tuned = await logitsOfSequence(decoder, { adapter, strength: 0.5, dropout: null }, ids);
    const values = [...(await adapter.read()).values()][0]!;
    // The head's inputs follow from the logits of a head that is the identity in parts: here, of its own rows.
    const y = await headInputs(decoder, ids);
    const expected = base.map((logit, i) => {
      const [row, token] = [Math.floor(i / V), i % V];
      let sum = 0;
      for (let r = 0; r < rank; r++) {
        let u = 0;
        for (let k = 0; k < d; k++) u += y[row * d + k]! * values.a[r * d + k]!;
        sum += u * values.b[token * rank + r]!;
      }
      return logit + 0.5 * (shape.alpha / rank) * sum;
    });
    expectClose(tuned, expected, { atol: 1e-4 });
    close({ decoder, adapter });
  });

  it('has gradients that match finite differences', async () => {
    const opened = await open({ tied });
    for (const slope of await slopes(opened)) expect(Math.abs(slope - 1)).toBeLessThan(2e-3);
    close(opened);
  });
});

it('has gradients that match finite differences with dropout', async () => {
  const opened = await open();
  for (const slope of await slopes(opened, { p: 0.3, seed: 11 }))
    expect(Math.abs(slope - 1)).toBeLessThan(2e-3);
  close(opened);
});

it('passes its gradient on to the blocks', async () => {
  // With a base head of zeros, all gradients pass through LoRA: half the strength gives half the gradient.
  const { decoder, adapter } = await open();
  const batch = batchOf(randomRows([9, 5], { vocab: V }));
  const { grads } = await lossesAndGrads(decoder, adapter, batch);
  const params = await readBuffers(gpu, adapter.params);
  const inBlock = modulesOf(adapter, grads).find(({ module }) => !isHead(module))!;
  const start = (inBlock.b.byteOffset - grads.byteOffset) / 4;
  const length = Math.hypot(...inBlock.b);
  const lossAt = async (sign: number) => {
    const moved = params.map((value, i) =>
      i >= start && i < start + inBlock.b.length ? value + (sign * 1e-2 * grads[i]!) / length : value,
    );
    upload(gpu, adapter.params[0]!, moved);
    const { losses } = await lossesAndGrads(decoder, adapter, batch);
    return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  };
  const slope = ((await lossAt(1)) - (await lossAt(-1))) / 2e-2 / length;
  expect(Math.abs(slope - 1)).toBeLessThan(2e-3);
  close({ decoder, adapter });
});

it('is the same with a head split by rows, and one loaded in parts', async () => {
  const batch = batchOf(randomRows([65, 13, 40], { vocab: V }));
  const limit = 64 * d * 4;
  const measured = async (choices: Choices) => {
    const opened = await open({ ...choices, on: choices.on ?? gpu });
    const result = await lossesAndGrads(opened.decoder, opened.adapter, batch);
    const logits = await logitsOfSequence(
      opened.decoder,
      { adapter: opened.adapter, strength: 1, dropout: null },
      [3, 149, 64],
    );
    close(opened);
    return { ...result, logits };
  };
  const whole = await measured({});
  const split = await measured({ on: withMaxBinding(gpu, limit) });
  const streaming = { slots: 1, ends: true, spill: false };
  const parts = await measured({ on: withMaxBinding(gpu, limit), streaming });
  expectClose(split.losses, whole.losses, { atol: 1e-5 });
  expectClose(split.logits, whole.logits, { atol: 1e-5 });
  expect(parts.losses).toEqual(split.losses);
  expect(parts.grads).toEqual(split.grads);
  expect(parts.logits).toEqual(split.logits);
  const squares = (values: Float32Array) => values.reduce((sum, x) => sum + x * x, 0);
  expect(squares(split.grads) / squares(whole.grads)).toBeCloseTo(1, 5);
});

it('trains the head alone without a block’s backward pass', async () => {
  const { decoder, adapter } = await open({ targets: ['lm_head'] });
  expect(adapter.lowestLayer).toBe(decoder.spec.layers);
  const { grads } = await lossesAndGrads(decoder, adapter, batchOf(randomRows([7], { vocab: V })));
  expect(grads.some((value) => value !== 0)).toBe(true);
  close({ decoder, adapter });
});

it('with a rank that the GPU cannot bind is rejected by name', async () => {
  const { spec } = await openModelFiles(tinyModel({ config: { vocab_size: V } }));
  const modules = planLora(spec, { ...shape, rank: 64, targets: ['lm_head'] });
  const params = { module: 'lm_head', rank: 64, bytes: 4 * 64 * V };
  await expectGraftError(
    () => new LoraAdapter(withMaxBinding(gpu, 4096), modules),
    'train.target_too_large',
    params,
  );
});

/** The final norm's output [T, d] of the base model, from the logits of an untrained LoRA that copies it. */
async function headInputs(decoder: Decoder, ids: readonly number[]): Promise<Float32Array> {
  const { spec } = decoder;
  const probe = new LoraAdapter(gpu, planLora(spec, { ...shape, rank: d, alpha: d, targets: ['lm_head'] }));
  const identity = Float32Array.from({ length: d * d }, (_, i) => Number(i % (d + 1) === 0));
  const b = new Float32Array(V * d);
  b.set(identity);
  probe.write(probe.modules[0]!, { a: identity, b });
  const base = await logitsOfSequence(decoder, withoutAdapter, ids);
  const read = await logitsOfSequence(decoder, { adapter: probe, strength: 1, dropout: null }, ids);
  probe.dispose();
  return Float32Array.from({ length: ids.length * d }, (_, i) => {
    const at = Math.floor(i / d) * V + (i % d);
    return read[at]! - base[at]!;
  });
}
