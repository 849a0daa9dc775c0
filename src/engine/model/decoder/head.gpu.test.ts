import { beforeEach, describe, expect, it } from 'vitest';
import type { Gpu } from '../../gpu/device.ts';
import { readFloats } from '../../gpu/transfer.ts';
import { createRandom } from '../../../base/lib/random.ts';
import { expectClose, randomArray } from '../../../testing/compare.ts';
import { testGpu } from '../../../testing/gpu.ts';
import { refuseLeaks } from '../../../testing/leaks.ts';
import { withMaxBinding } from '../../../testing/passes.ts';
import { tensorOf } from '../../../testing/tensors.ts';
import { tinyModel } from '../../../testing/tinyModel.ts';
import { uploadBatch } from './batchTensors.ts';
import { withoutAdapter, type Decoder } from './decoder.ts';
import { headLoss, logitRows, logitsOf } from './head.ts';
import { closeDecoder, openDecoder } from '../weights/openDecoder.ts';
import { openModelFiles } from '../spec/openModel.ts';
import { resident } from '../weights/streaming.ts';

const T = 140;
const V = 150;
const d = 32;
const random = createRandom(9);
/** Every token but a few has a target. */
const targetRows = Uint32Array.from({ length: T }, (_, i) => i).filter((i) => i % 14 !== 3);
const targetIds = targetRows.map(() => random.below(V));
const values = randomArray(11, T * d, 2);

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

/** Powers of two, which scale without rounding, and 0. */
const exactWeights = Float32Array.from(targetRows, (_, i) => [1, 0.5, 4, 0, 0.125][i % 5]!);

function batchWith(from: number, to: number, weights: Float32Array | null = null) {
  const index = Uint32Array.from({ length: T }, (_, i) => i);
  return {
    tokens: new Uint32Array(T),
    positions: index,
    segmentStart: new Uint32Array(T),
    segmentEnd: new Uint32Array(T).fill(T),
    targetRows: targetRows.slice(from, to),
    targetIds: targetIds.slice(from, to),
    targetWeights: weights && weights.slice(from, to),
    rows: 1,
  };
}

/** Losses [R] and d loss/d hidden [T, d] of targets from … to − 1, each scaled by 1/8 of its weight. */
async function lossOf(
  decoder: Decoder,
  from = 0,
  to = targetRows.length,
  weights: Float32Array | null = null,
) {
  const { workspace, commands } = decoder;
  const tensors = uploadBatch(decoder.gpu, workspace, batchWith(from, to, weights));
  const hidden = tensorOf(decoder.gpu, values, [T, d]);
  const dHidden = tensorOf(decoder.gpu, new Float32Array(T * d).fill(7), [T, d]);
  const losses = tensorOf(decoder.gpu, new Float32Array(Math.max(1, to - from)), [Math.max(1, to - from)]);
  const backward = { dHidden, grads: [] };
  await headLoss(decoder, withoutAdapter, tensors, { hidden, losses, scale: 1 / 8, backward });
  commands.submit();
  const result = {
    losses: await readFloats(decoder.gpu, losses),
    dHidden: await readFloats(decoder.gpu, dHidden),
  };
  for (const tensor of [hidden, dHidden, losses]) decoder.gpu.memory.free(tensor);
  return result;
}

async function open(on: Gpu = gpu, streaming = resident): Promise<Decoder> {
  return openDecoder(on, await openModelFiles(tinyModel({ config: { vocab_size: V } })), 'f32', {
    streaming,
  });
}

describe('headLoss', () => {
  it('is the cross-entropy of its logits, and in chunks the same as each part alone', async () => {
    expect(logitRows(T, d, V, gpu.maxBinding)).toBe(64);
    const decoder = await open();
    const whole = await lossOf(decoder);

    const hidden = tensorOf(gpu, values, [T, d]);
    const index = tensorOf(gpu, targetRows, [targetRows.length]);
    const logits = await logitsOf(decoder, withoutAdapter, hidden, index, targetRows.length);
    decoder.commands.submit();
    const rows = await readFloats(gpu, logits);
    expectClose(
      whole.losses,
      Array.from(targetRows.keys(), (i) => crossEntropy(rows, i)),
      { atol: 1e-5 },
    );
    gpu.memory.free(hidden);
    gpu.memory.free(index);

    const parts = [await lossOf(decoder, 0, 64), await lossOf(decoder, 64, 128), await lossOf(decoder, 128)];
    expect(Array.from(whole.losses)).toEqual(parts.flatMap(({ losses }) => Array.from(losses)));
    // A token's gradient comes from its own target alone, so the sums of parts are exact.
    expect(whole.dHidden).toEqual(
      whole.dHidden.map((_, i) => parts.reduce((sum, { dHidden }) => sum + dHidden[i]!, 0)),
    );
    closeDecoder(decoder);
  });

  it('scales each target’s loss and gradient by its weight', async () => {
    const decoder = await open();
    const plain = await lossOf(decoder);
    const weighted = await lossOf(decoder, 0, targetRows.length, exactWeights);
    expect(weighted.losses).toEqual(plain.losses.map((loss, i) => loss * exactWeights[i]!));
    // A token's gradient comes from its own target alone; 0 times a negative value is −0.
    const factors = new Float32Array(T);
    targetRows.forEach((row, i) => (factors[row] = exactWeights[i]!));
    expect(weighted.dHidden.map((g) => g + 0)).toEqual(
      plain.dHidden.map((g, i) => g * factors[Math.floor(i / d)]! + 0),
    );
    const ones = await lossOf(decoder, 0, targetRows.length, new Float32Array(targetRows.length).fill(1));
    expect(ones).toEqual(plain);
    closeDecoder(decoder);
  });

  it('has the same bits with a head loaded in parts', async () => {
    const weights = Float32Array.from(targetRows, (_, i) => 0.01 * (i % 301));
    const on = withMaxBinding(gpu, 64 * d * 4);
    const losses = async (streaming = resident) => {
      const decoder = await open(on, streaming);
      const result = await lossOf(decoder, 0, targetRows.length, weights);
      const { count } = await decoder.weights.vocabulary('head');
      closeDecoder(decoder);
      return { ...result, count };
    };
    const whole = await losses();
    const parts = await losses({ slots: 1, ends: true, spill: false });
    expect([whole.count, parts.count]).toEqual([1, 3]);
    expect(parts.losses).toEqual(whole.losses);
    expect(parts.dHidden).toEqual(whole.dHidden);
  });

  it('is the same with a head split by rows', async () => {
    const plain = await open();
    const expected = await lossOf(plain);
    closeDecoder(plain);
    const split = await open(withMaxBinding(gpu, 64 * d * 4));
    expect((await (await split.weights.vocabulary('head')).part(0)).chunks.length).toBe(3);
    const actual = await lossOf(split);
    closeDecoder(split);
    expectClose(actual.losses, expected.losses, { atol: 1e-6 });
    expectClose(actual.dHidden, expected.dHidden, { atol: 1e-6 });
  });

  it('gives no gradient without targets', async () => {
    const decoder = await open();
    const { dHidden } = await lossOf(decoder, 0, 0);
    expect(dHidden.every((g) => g === 0)).toBe(true);
    const { dHidden: some } = await lossOf(decoder, 0, 3);
    const touched = new Set(Array.from(some.keys(), (i) => (some[i] === 0 ? -1 : Math.floor(i / d))));
    expect([...touched].filter((row) => row >= 0)).toEqual(Array.from(targetRows.slice(0, 3)));
    closeDecoder(decoder);
  });
});

function crossEntropy(logits: Float32Array, i: number): number {
  const row = Array.from(logits.subarray(i * V, (i + 1) * V));
  const top = Math.max(...row);
  return top + Math.log(row.reduce((sum, l) => sum + Math.exp(l - top), 0)) - row[targetIds[i]!]!;
}
