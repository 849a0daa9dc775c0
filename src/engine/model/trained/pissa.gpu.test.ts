import { beforeEach, describe, expect, it } from 'vitest';
import { defaultRecipe, type Recipe } from '../../../base/config/recipe.ts';
import { readAdapter, writeAdapter } from '../../../content/formats/peft.ts';
import { MemoryFolder } from '../../../base/storage/memoryFolder.ts';
import { expectClose } from '../../../testing/compare.ts';
import { expectGraftError } from '../../../testing/errors.ts';
import { testGpu } from '../../../testing/gpu.ts';
import { refuseLeaks } from '../../../testing/leaks.ts';
import {
  batchOf,
  logitsOfSequence,
  lossesAndGrads,
  modulesOf,
  randomRows,
  readBuffers,
  withMaxBinding,
} from '../../../testing/passes.ts';
import { tinyFamilies } from '../../../testing/tinyFamilies.ts';
import { qwenConfig, tinyModel } from '../../../testing/tinyModel.ts';
import type { Gpu } from '../../gpu/device.ts';
import { describeAdapter, startAdapter } from '../../train/startAdapter.ts';
import { checkTraining } from '../../train/startTraining.ts';
import { train } from '../../train/trainer.ts';
import { withoutAdapter, type Decoder } from '../decoder/decoder.ts';
import { openModelFiles } from '../spec/openModel.ts';
import { closeDecoder, openDecoder } from '../weights/openDecoder.ts';
import { LoraAdapter } from './loraAdapter.ts';

const ids = [1, 7, 39, 0, 12];
const recipe: Recipe = {
  ...defaultRecipe(),
  rank: 3,
  alpha: 5,
  init_lora_weights: 'pissa',
  lr: 1e-2,
  warmup_steps: 0,
  max_steps: 3,
  dtype: 'f32',
};

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

async function open(config: Record<string, unknown> = {}, on = gpu): Promise<Decoder> {
  return openDecoder(on, await openModelFiles(tinyModel({ config })), 'f32');
}

describe.each<[string, Record<string, unknown>, Partial<Recipe>]>([
  ['Llama', {}, {}],
  [
    'Llama, in 4 passes, with rsLoRA, in one layer',
    {},
    { init_lora_weights: 'pissa_niter_4', rslora: true, layers: [1] },
  ],
  ['Qwen v1', qwenConfig, {}],
  ['Phi-3', tinyFamilies.phi3!, { init_lora_weights: 'pissa_niter_2' }],
  ['Qwen3.5', tinyFamilies.qwen35!, { init_lora_weights: 'pissa_niter_2' }],
  ['attention alone', {}, { targets: ['q_proj', 'v_proj'], init_lora_weights: 'pissa_niter_2' }],
])('PiSSA on %s', (_name, config, fields) => {
  const given = { ...recipe, ...fields };

  it('begins as the base, with values that are not zero, and trains half of its rank', async () => {
    const decoder = await open(config);
    const adapter = await startAdapter(decoder, given, null);
    const base = await logitsOfSequence(decoder, withoutAdapter, ids);
    const use = { adapter, strength: 1, dropout: null };
    expectClose(await logitsOfSequence(decoder, use, ids), base, { atol: 2e-5, rtol: 2e-5 });

    const before = await readBuffers(gpu, adapter.params);
    for (const { module, a, b } of modulesOf(adapter, before)) {
      const { rank, frozen = 0, linear } = module;
      expect([rank, frozen]).toEqual([6, 3]);
      expect(a.subarray(0, frozen * linear.inFeatures)).toEqual(a.subarray(frozen * linear.inFeatures));
      expect(a.every((value) => value !== 0) && b.every((value) => value !== 0)).toBe(true);
    }

    // As if all of the rank were trained.
    const free = new LoraAdapter(
      gpu,
      adapter.modules.map((module) => ({ ...module, frozen: 0 })),
    );
    for (const { module, a, b } of modulesOf(adapter, before))
      free.write(module, { a: Float32Array.from(a), b: Float32Array.from(b) });
    const batch = batchOf(randomRows([9, 4]));
    const { grads } = await lossesAndGrads(decoder, adapter, batch);
    const { grads: all } = await lossesAndGrads(decoder, free, batch);
    const wanted = modulesOf(free, all);
    modulesOf(adapter, grads).forEach(({ module, a, b }, index) => {
      const { frozen = 0, linear, rank } = module;
      const { a: wholeA, b: wholeB } = wanted[index]!;
      const kept = <T extends ArrayLike<number>>(values: T, isKept: (i: number) => boolean) =>
        Float32Array.from(values, (value, i) => (isKept(i) ? value : 0));
      expectClose(
        a,
        kept(wholeA, (i) => i < frozen * linear.inFeatures),
        { atol: 1e-6, rtol: 1e-5 },
      );
      expectClose(
        b,
        kept(wholeB, (i) => i % rank < frozen),
        { atol: 1e-6, rtol: 1e-5 },
      );
      expect(Math.hypot(...a) > 0 && Math.hypot(...b) > 0).toBe(true);
    });

    await train({
      decoder,
      adapter,
      recipe: given,
      dataset: randomRows([5, 3, 7, 4]),
      evalDataset: null,
      onStep: () => undefined,
      onEval: () => undefined,
      shouldStop: () => false,
    });
    const after = modulesOf(adapter, await readBuffers(gpu, adapter.params));
    modulesOf(adapter, before).forEach(({ module, a, b }, index) => {
      const { frozen = 0, linear, rank } = module;
      const now = after[index]!;
      const moved = (old: Float32Array, values: Float32Array) =>
        [...old].map((value, i) => value !== values[i]);
      const [movedA, movedB] = [moved(a, now.a), moved(b, now.b)];
      expect(movedA.map((_, i) => i < frozen * linear.inFeatures)).toEqual(movedA);
      expect(movedB.map((_, i) => i % rank < frozen)).toEqual(movedB);
    });

    // Its file is plain LoRA of twice the rank: the same model to whoever reads it.
    const folder = new MemoryFolder('adapter');
    await writeAdapter(folder, await adapter.toPeft(describeAdapter('tiny', given, null, decoder.spec)));
    const read = await readAdapter(folder);
    expect(read.config).toMatchObject({ r: 6, init_lora_weights: true });
    const again = await startAdapter(decoder, defaultRecipe(), read);
    const trained = await logitsOfSequence(decoder, use, ids);
    const reread = await logitsOfSequence(decoder, { ...use, adapter: again }, ids);
    expectClose(reread, trained, { atol: 1e-6, rtol: 1e-6 });
    expect(reread).not.toEqual(base);
    for (const used of [adapter, free, again]) used.dispose();
    closeDecoder(decoder);
  });
});

it('reads weights in pieces as it reads them whole, and the same seed gives the same bits', async () => {
  const values: Float32Array[] = [];
  for (const on of [gpu, gpu, withMaxBinding(gpu, 2048)]) {
    const decoder = await open({}, on);
    const adapter = await startAdapter(decoder, { ...recipe, rank: 2, targets: ['up_proj'] }, null);
    values.push(
      Float32Array.from(
        modulesOf(adapter, await readBuffers(gpu, adapter.params)).flatMap(({ a, b }) => [...a, ...b]),
      ),
    );
    adapter.dispose();
    closeDecoder(decoder);
  }
  expect(values[1]).toEqual(values[0]);
  expect(values[2]).toEqual(values[0]);
});

it('reports how far it is, and stops on a signal', async () => {
  const decoder = await open();
  const signal = new AbortController();
  const reports: [number, number][] = [];
  const onProgress = (done: number, total: number) => {
    reports.push([done, total]);
    if (done > 0) signal.abort();
  };
  const options = { signal: signal.signal, onProgress };
  await expectGraftError(() => startAdapter(decoder, recipe, null, options), 'train.pissa_stopped');
  const sizes = 2 * (2 * 32 * 32 + 2 * 16 * 32 + 3 * 40 * 32);
  expect(reports).toEqual([
    [0, sizes],
    [32 * 32, sizes],
  ]);
  closeDecoder(decoder);
});

it('refuses what PiSSA cannot begin with', async () => {
  const files = await openModelFiles(
    tinyModel({
      config: { hidden_size: 1056, num_attention_heads: 33, num_key_value_heads: 33, num_hidden_layers: 1 },
    }),
  );
  const check = (fields: Partial<Recipe>) => async () => checkTraining(files, { ...recipe, ...fields });
  for (const fields of [
    { method: 'qlora' },
    { dropout: 0.1 },
    { dora: true },
    { start_rank: 1 },
    { weight_decay: 0.1 },
    { eps: 0 },
  ] as Partial<Recipe>[])
    await expectGraftError(check({ ...fields, targets: ['down_proj'] }), 'train.pissa_setting');
  await expectGraftError(check({ targets: ['lm_head'] }), 'train.pissa_module');
  await expectGraftError(check({ targets: ['down_proj'], rank: 41 }), 'train.pissa_rank');
  await expectGraftError(check({ targets: ['q_proj'] }), 'train.pissa_exact');
  await check({ targets: ['q_proj'], init_lora_weights: 'pissa_niter_16' })();
  await check({ targets: ['down_proj'], rank: 40 })();
});
