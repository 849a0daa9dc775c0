import { beforeEach, describe, expect, it } from 'vitest';
import type { Gpu } from '../../gpu/device.ts';
import { upload } from '../../gpu/transfer.ts';
import { expectClose } from '../../../testing/compare.ts';
import { testGpu } from '../../../testing/gpu.ts';
import { refuseLeaks } from '../../../testing/leaks.ts';
import {
  batchOf,
  logitsOfSequence,
  lossesAndGrads,
  modulesOf,
  randomizeAdapter,
  randomRows,
  readBuffers,
  withMaxBinding,
} from '../../../testing/passes.ts';
import { tinyFamilies } from '../../../testing/tinyFamilies.ts';
import { qwenConfig, tinyModel } from '../../../testing/tinyModel.ts';
import { withoutAdapter, type Decoder } from '../decoder/decoder.ts';
import { FullParameters, type TrainedTensor } from './fullParameters.ts';
import { LoraAdapter } from './loraAdapter.ts';
import { planLora } from './loraModules.ts';
import { closeDecoder, openDecoder } from '../weights/openDecoder.ts';
import { openModelFiles } from '../spec/openModel.ts';
import { tensorsOf } from '../spec/spec.ts';

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

const qwen3 = {
  architectures: ['Qwen3ForCausalLM'],
  model_type: 'qwen3',
  head_dim: 16,
  tie_word_embeddings: true,
};
const qwen2 = { architectures: ['Qwen2ForCausalLM'], model_type: 'qwen2' };
const families = [
  ['Llama', {}],
  ['Llama with every bias', { attention_bias: true, mlp_bias: true }],
  ['Qwen2, tied', { ...qwen2, tie_word_embeddings: true }],
  ['Qwen3, tied', qwen3],
  ['Qwen', qwenConfig],
  ['Qwen3.5', tinyFamilies.qwen35!],
  ['LFM2 with biases', { ...tinyFamilies.lfm2, conv_bias: true }],
] as const;

interface Opened {
  decoder: Decoder;
  trained: FullParameters;
}

async function open(
  config: Record<string, unknown> = {},
  on = gpu,
  dtype = 'F32',
  keeps = true,
): Promise<Opened> {
  const files = await openModelFiles(tinyModel({ config, dtype }));
  const decoder = await openDecoder(on, files, 'f32');
  const trained = new FullParameters(on, decoder.spec, keeps);
  await trained.copyModel(decoder);
  return { decoder, trained };
}

function close({ decoder, trained }: Opened): void {
  trained.dispose();
  closeDecoder(decoder);
}

const batch = batchOf(randomRows([9, 3, 24, 4]));

/** The ranges of a tensor's elements in the result of `readBuffers`. */
function rangesOf(trained: FullParameters, tensor: TrainedTensor): { start: number; size: number }[] {
  return tensor.weight(trained.params).chunks.map(({ data, rows, cols }) => {
    const segment = trained.params.findIndex(({ buffer }) => buffer === data.buffer);
    const before = trained.segments.slice(0, segment).reduce((sum, { count }) => sum + count, 0);
    return { start: before + data.offset / 4, size: rows * cols };
  });
}

function valuesOf(trained: FullParameters, name: string, flat: Float32Array): Float32Array {
  const tensor = trained.tensors.find((other) => other.name === name)!;
  return Float32Array.from(
    rangesOf(trained, tensor).flatMap(({ start, size }) => [...flat.subarray(start, start + size)]),
  );
}

async function write(trained: FullParameters, flat: Float32Array): Promise<void> {
  let at = 0;
  for (const [i, { count }] of trained.segments.entries()) {
    upload(gpu, trained.params[i]!, flat.slice(at, at + count) as Float32Array<ArrayBuffer>);
    at += count;
  }
}

describe.each(families)('every parameter of %s', (_, config) => {
  it('is a tensor of the model, and starts with the model’s values', async () => {
    const { decoder, trained } = await open(config, gpu, 'BF16');
    const named = trained.tensors.map(({ name, rows, cols }) => [name, rows * cols]);
    const { nameRules } = decoder.spec;
    const wanted = [...tensorsOf(decoder.spec)].map(({ name, shape }) => [
      nameRules.reduce((known, rule) => rule.known(known) ?? known, name),
      shape.reduce((product, n) => product * n, 1),
    ]);
    expect(named.sort()).toEqual(wanted.sort());
    expect(trained.parameters).toBe(wanted.reduce((sum, [, size]) => sum + Number(size), 0));
    const ids = [1, 7, 39, 0];
    const use = { adapter: trained, strength: 1, dropout: null };
    expect(await logitsOfSequence(decoder, use, ids)).toEqual(
      await logitsOfSequence(decoder, withoutAdapter, ids),
    );
    close({ decoder, trained });
  });

  it('has a gradient that matches finite differences', async () => {
    const { decoder, trained } = await open(config);
    const { grads } = await lossesAndGrads(decoder, trained, batch);
    const params = await readBuffers(gpu, trained.params);
    const meanLoss = async (values: Float32Array) => {
      await write(trained, values);
      const { losses } = await lossesAndGrads(decoder, trained, batch);
      return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
    };
    for (const tensor of trained.tensors) {
      const ranges = rangesOf(trained, tensor);
      // Along the gradient itself, where differences are largest.
      const along = new Float32Array(grads.length);
      for (const { start, size } of ranges) along.set(grads.subarray(start, start + size), start);
      const length = Math.hypot(...along);
      // A loss that is steep is curved as well: it changes by some hundredths.
      const h = Math.min(5e-3, 0.02 / length);
      const moved = (sign: number) => params.map((value, i) => value + (sign * h * along[i]!) / length);
      const slope = ((await meanLoss(moved(1))) - (await meanLoss(moved(-1)))) / (2 * h);
      expect(Math.abs(slope / length - 1), `${tensor.name}: ${slope} for ${length}`).toBeLessThan(1e-2);
    }
    close({ decoder, trained });
  });
});

it('gradients of matrices agree with those of LoRA’s B: dB = scale · dW · Aᵀ where B is zero', async () => {
  const { decoder, trained } = await open(qwen3);
  const { grads } = await lossesAndGrads(decoder, trained, batch);
  const shape = { rank: 3, alpha: 6, rslora: false, targets: 'all-linear' as const, layers: 'all' as const };
  const adapter = new LoraAdapter(gpu, planLora(decoder.spec, shape));
  randomizeAdapter(adapter);
  for (const module of adapter.modules) {
    const { a } = (await adapter.read()).get(module)!;
    adapter.write(module, { a, b: new Float32Array(module.linear.outFeatures * module.rank) });
  }
  const values = modulesOf(adapter, await readBuffers(gpu, adapter.params));
  const lora = modulesOf(adapter, (await lossesAndGrads(decoder, adapter, batch)).grads);
  lora.forEach(({ module, b }, at) => {
    const { a } = values[at]!;
    const { inFeatures, outFeatures } = module.linear;
    const dW = valuesOf(trained, `${module.path}.weight`, grads);
    const expected = Float64Array.from({ length: outFeatures * module.rank }, (_, i) => {
      const [row, r] = [Math.floor(i / module.rank), i % module.rank];
      let sum = 0;
      for (let c = 0; c < inFeatures; c++) sum += dW[row * inFeatures + c]! * a[r * inFeatures + c]!;
      return module.scale * sum;
    });
    expectClose(b, expected, { atol: 2e-6, rtol: 1e-4 });
  });
  adapter.dispose();
  close({ decoder, trained });
});

it.each([qwen3, { attention_bias: true }])(
  'stored activations give the same bits as recomputed ones, %j',
  async (config) => {
    const run = async (keeps: boolean) => {
      const opened = await open(config, gpu, 'F32', keeps);
      const before = gpu.memory.parts.kept;
      const first = await lossesAndGrads(opened.decoder, opened.trained, batch);
      // Another batch's activations must not be reused.
      await lossesAndGrads(opened.decoder, opened.trained, batchOf(randomRows([4, 30], { seed: 8 })));
      const second = await lossesAndGrads(opened.decoder, opened.trained, batch);
      const stored = gpu.memory.parts.kept - before;
      close(opened);
      return { first, second, stored };
    };
    const [stored, recomputed] = [await run(true), await run(false)];
    expect(stored.first).toEqual(recomputed.first);
    expect(stored.second).toEqual(recomputed.first);
    expect(stored.stored).toBeGreaterThan(2 * recomputed.stored);
  },
);

it('a tied matrix has the sum of the gradients of embedding and head', async () => {
  const tied = await open({ tie_word_embeddings: true });
  const { grads } = await lossesAndGrads(tied.decoder, tied.trained, batch);
  const both = valuesOf(tied.trained, 'model.embed_tokens.weight', grads);
  const values = valuesOf(
    tied.trained,
    'model.embed_tokens.weight',
    await readBuffers(gpu, tied.trained.params),
  );
  const apart = await open({});
  const params = await readBuffers(gpu, apart.trained.params);
  // The same model with its own head: the same tensors, with equal names and bytes.
  const head = apart.trained.tensors.find(({ name }) => name === 'lm_head.weight')!;
  for (const { start, size } of rangesOf(apart.trained, head)) params.set(values.subarray(0, size), start);
  await write(apart.trained, params);
  const split = (await lossesAndGrads(apart.decoder, apart.trained, batch)).grads;
  const embedding = valuesOf(apart.trained, 'model.embed_tokens.weight', split);
  const ofHead = valuesOf(apart.trained, 'lm_head.weight', split);
  expectClose(
    both,
    embedding.map((value, i) => value + ofHead[i]!),
    { atol: 1e-6, rtol: 1e-5 },
  );
  close(tied);
  close(apart);
});

it('parameters in several buffers give the same losses and gradients as in one', async () => {
  const whole = await open({ attention_bias: true });
  const expected = await lossesAndGrads(whole.decoder, whole.trained, batch);
  const names = whole.trained.tensors.map(({ name }) => name);
  const gradients = names.map((name) => valuesOf(whole.trained, name, expected.grads));
  close(whole);
  // 40 rows of 32 do not fit 4 KiB: the matrices are split by rows.
  const split = await open({ attention_bias: true }, withMaxBinding(gpu, 4096));
  expect(split.trained.params.length).toBeGreaterThan(5);
  const actual = await lossesAndGrads(split.decoder, split.trained, batch);
  expectClose(actual.losses, expected.losses, { rtol: 1e-6 });
  names.forEach((name, i) => {
    expectClose(valuesOf(split.trained, name, actual.grads), gradients[i]!, { atol: 1e-6, rtol: 1e-4 });
  });
  close(split);
});

it('with strength 0 the model is unchanged', async () => {
  const { decoder, trained } = await open();
  const ids = [3, 1, 4];
  const before = await logitsOfSequence(decoder, withoutAdapter, ids);
  await write(
    trained,
    (await readBuffers(gpu, trained.params)).map((value) => 1.1 * value + 0.01),
  );
  const use = (strength: number) => ({ adapter: trained, strength, dropout: null });
  expect(await logitsOfSequence(decoder, use(0), ids)).toEqual(before);
  expect(await logitsOfSequence(decoder, use(1), ids)).not.toEqual(before);
  close({ decoder, trained });
});

it('norms and biases have buffers without weight decay', async () => {
  const { decoder, trained } = await open({ attention_bias: true });
  for (const tensor of trained.tensors) {
    const isVector = /norm|bias/.test(tensor.name);
    for (const { data } of tensor.weight(trained.params).chunks) {
      const segment = trained.params.findIndex(({ buffer }) => buffer === data.buffer);
      expect([tensor.name, trained.segments[segment]!.decays]).toEqual([tensor.name, !isVector]);
    }
  }
  close({ decoder, trained });
});
