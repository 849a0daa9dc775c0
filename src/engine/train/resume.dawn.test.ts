import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import type { TokenRows } from '../../content/data/tokens/tokenRows.ts';
import type { Gpu } from '../gpu/device.ts';
import { upload } from '../gpu/transfer.ts';
import type { Decoder } from '../model/decoder/decoder.ts';
import { createContentHash, takeDigest } from '../../base/lib/contentHash.ts';
import { hexOf } from '../../base/lib/bytes.ts';
import { closeDecoder, headOf, openDecoder, quantizationOf } from '../model/weights/openDecoder.ts';
import { openModelFiles } from '../model/spec/openModel.ts';
import type { CheckpointData } from '../../content/runs/types.ts';
import { copyOf } from '../../testing/checkpoints.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { testGpu } from '../../testing/gpu.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { randomRows, readBuffers, weighted } from '../../testing/passes.ts';
import { tinyFamilies } from '../../testing/tinyFamilies.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { trainedAt } from './checkpointAdapter.ts';
import { startAdapter } from './startAdapter.ts';
import { capture } from './checkpointState.ts';
import { train, type StepReport } from './trainer.ts';

const rows = randomRows([5, 3, 7, 4, 6, 2, 8, 5]);
const evalRows = randomRows([4, 5, 3], { seed: 8 });

refuseLeaks();

let gpu: Gpu;
let decoder: Decoder;
beforeEach(async () => {
  gpu = await testGpu();
});
afterEach(() => closeDecoder(decoder));

function recipeOf(fields: Partial<Recipe> = {}): Recipe {
  return {
    ...defaultRecipe(),
    rank: 4,
    alpha: 8,
    lr: 1e-2,
    batch_size: 2,
    grad_accum: 2,
    dropout: 0.2,
    checkpoint_steps: 1,
    ...fields,
  };
}

const small = { hidden_size: 64, intermediate_size: 96 };

async function open(fields: Partial<Recipe> = {}, config: Record<string, unknown> = small): Promise<Recipe> {
  const recipe = recipeOf(fields);
  const files = await openModelFiles(tinyModel({ config }));
  decoder = await openDecoder(gpu, files, 'f32', {
    quantize: quantizationOf(recipe),
    head: headOf(recipe),
  });
  return recipe;
}

interface RunOptions {
  resume?: CheckpointData | null;
  dataset?: TokenRows;
  evalDataset?: TokenRows | null;
  /** Ends the run after this step. */
  until?: number;
  model?: string;
  save?(data: CheckpointData): Promise<void>;
}

/** Trains; gives what was reported, all checkpoints in memory, and the adapter's values. */
async function run(recipe: Recipe, options: RunOptions = {}) {
  const { resume = null, dataset = rows, evalDataset = null, until = Infinity, model = 'tiny' } = options;
  const adapter = await startAdapter(decoder, recipe, null, resume ? { unused: 'restored' } : {});
  const reports: StepReport[] = [];
  const evals: [number, number][] = [];
  const saved = new Map<number, CheckpointData>();
  try {
    const outcome = await train({
      decoder,
      adapter,
      recipe,
      dataset,
      evalDataset,
      resume,
      checkpoints: {
        seconds: 1e6,
        model,
        save: options.save ?? (async (data) => void saved.set(data.step, await copyOf(data))),
      },
      onStep: (report) => reports.push(report),
      onEval: (step, loss) => evals.push([step, loss]),
      shouldStop: () => reports.at(-1)!.step >= until,
    });
    return { outcome, reports, evals, saved, params: await readBuffers(gpu, adapter.params) };
  } finally {
    adapter.dispose();
  }
}

/** Everything of a checkpoint that can be compared: its JSON, as text preserves it, and digests of its bytes. */
async function contentOf({ state, files }: CheckpointData) {
  const hasher = await createContentHash();
  const digests: string[] = [];
  for (const { name, size, read } of files) {
    hasher.update(await read(0, size));
    digests.push(`${name} ${size} ${hexOf(takeDigest(hasher))}`);
  }
  return { state: JSON.parse(JSON.stringify(state)) as unknown, digests };
}

/** As if it had been written and read: JSON through text. */
const stored = (data: CheckpointData): CheckpointData => ({
  ...data,
  state: JSON.parse(JSON.stringify(data.state)) as unknown,
});

describe('a resumed run', () => {
  it.each<[string, Partial<Recipe>, number, number[], TokenRows?, Record<string, unknown>?]>([
    ['adamw', {}, 50, [1, 17, 40]],
    ['adamw_8bit', { optimizer: 'adamw_8bit', rank: 80 }, 8, [3]],
    ['NF4', { method: 'qlora', double_quant: true }, 4, [1]],
    ['block inputs and head in 8 bits', { kept_inputs: '8bit', head: '8bit' }, 4, [1]],
    ['block inputs in f16, and the head in NF4', { kept_inputs: 'f16', head: 'nf4' }, 4, [2]],
    ['weights', {}, 6, [1, 4], weighted(rows)],
    ['DoRA, and noise', { dora: true, dropout: 0, neftune_noise_alpha: 5 }, 5, [1, 3]],
    [
      'LoRA+ and a rank that grows',
      { loraplus_lr_ratio: 8, start_rank: 1, grow_steps: 2, eval_steps: 2 },
      6,
      [2, 3],
    ],
    ['a rank that grows', { start_rank: 1, grow_steps: 3, eval_steps: 2, lr: 0.1 }, 9, [2, 3]],
    ['PiSSA', { init_lora_weights: 'pissa_niter_2', dropout: 0 }, 4, [1, 3]],
    ['LoRA on experts', { dropout: 0 }, 4, [1, 3], rows, tinyFamilies.qwen3Moe!],
    ['experts in NF4', { dropout: 0, method: 'qlora' }, 3, [1], rows, tinyFamilies.graniteMoe!],
    ['Gated DeltaNet', {}, 3, [1], rows, tinyFamilies.qwen35!],
  ])(
    'equals one that was not interrupted, from every step, with %s',
    async (_, fields, steps, toEnd, dataset = rows, config = small) => {
      const recipe = await open({ max_steps: steps, eval_steps: 7, load_best: true, ...fields }, config);
      const whole = await run(recipe, { dataset, evalDataset: evalRows });
      expect([...whole.saved.keys()]).toEqual(Array.from({ length: steps }, (_step, i) => i + 1));
      for (let step = 1; step < steps; step++) {
        const resume = stored(whole.saved.get(step)!);
        const part = await run(recipe, { dataset, evalDataset: evalRows, resume, until: step + 1 });
        expect(part.reports).toEqual([whole.reports[step]]);
        const [resumed, wanted] = [part.saved.get(step + 1)!, whole.saved.get(step + 1)!];
        expect(await contentOf(resumed), `step ${step + 1}`).toEqual(await contentOf(wanted));
      }
      for (const step of toEnd) {
        const resume = stored(whole.saved.get(step)!);
        const rest = await run(recipe, { dataset, evalDataset: evalRows, resume });
        expect(rest.params).toEqual(whole.params);
        expect(rest.reports).toEqual(whole.reports.slice(step));
        expect(rest.evals).toEqual(whole.evals.filter(([at]) => at > step));
        expect(rest.outcome).toEqual(whole.outcome);
      }
    },
  );

  it('differs where a state is off by a bit, so that the comparison means something', async () => {
    const recipe = await open({ max_steps: 3 });
    const whole = await run(recipe);
    for (const name of ['parameters.0', 'm.0', 'v.0']) {
      const from = whole.saved.get(1)!;
      const files = from.files.map((file) =>
        file.name !== name
          ? file
          : {
              ...file,
              read: async (offset: number, length: number) =>
                (await file.read(offset, length)).map((byte, i) => (i % 4 === 2 ? byte ^ 1 : byte)),
            },
      );
      expect((await run(recipe, { resume: { ...from, files } })).params, name).not.toEqual(whole.params);
    }
  });

  it('of a run that had ended does nothing but give its adapter', async () => {
    const recipe = await open({ max_steps: 3 });
    const whole = await run(recipe);
    const again = await run(recipe, { resume: whole.saved.get(3)! });
    expect(again.reports).toEqual([]);
    expect(again.outcome).toEqual(whole.outcome);
    expect(again.params).toEqual(whole.params);
  });

  it('must be the same run', async () => {
    const recipe = await open({ max_steps: 2 });
    const resume = (await run(recipe)).saved.get(1)!;
    await expectGraftError(() => run({ ...recipe, lr: 1 }, { resume }), 'train.resume_other_recipe', {
      keys: 'lr',
    });
    await expectGraftError(() => run(recipe, { resume, model: 'x' }), 'train.resume_other_model');
    for (const dataset of [evalRows, weighted(rows)])
      await expectGraftError(() => run(recipe, { resume, dataset }), 'train.resume_other_data');
    const lacking = { ...resume, files: resume.files.filter(({ name }) => name !== 'v.0') };
    await expectGraftError(() => run(recipe, { resume: lacking }), 'train.resume_unreadable', {
      part: 'v.0',
    });
    const empty = { ...resume, state: {} };
    await expectGraftError(() => run(recipe, { resume: empty }), 'train.resume_unreadable', {
      part: 'version',
    });
  });
});

describe('a checkpoint', () => {
  it('is not made of numbers that are not finite', async () => {
    await open();
    const tensor = gpu.memory.tensor('f32', [70], 'parameters');
    const state = { progress: { step: 9 } } as Parameters<typeof capture>[2];
    for (const broken of [NaN, Infinity, -Infinity]) {
      upload(gpu, tensor, Float32Array.of(1, -1, 1e38));
      const { data, release } = capture(gpu, new Map([['parameters.0', tensor]]), state, null);
      expect((await data.files[0]!.read(0, 280)).byteLength).toBe(280);
      upload(gpu, tensor, Float32Array.of(1, 2, broken));
      await expectGraftError(() => data.files[0]!.read(0, 280), 'train.not_finite', {
        step: 9,
        name: 'parameters.0',
      });
      release();
    }
    gpu.memory.free(tensor);
  });

  it('that cannot be stored ends the run', async () => {
    const recipe = await open({ max_steps: 4 });
    const save = async ({ step }: CheckpointData) => {
      if (step === 2) throw new Error('no room');
    };
    await expect(run(recipe, { save })).rejects.toThrow('no room');
  });
});

describe('what was trained by a checkpoint', () => {
  it.each([{}, { start_rank: 1, grow_steps: 2 }])(
    'is what a run that ends there gives: %j',
    async (fields) => {
      const recipe = await open({ max_steps: 6, ...fields });
      const saved = (await run(recipe)).saved.get(3)!;
      const stopped = await run(recipe, { until: 3 });
      // Without what only a resume needs.
      const files = saved.files.filter(({ forResume }) => !forResume);
      const trained = await trainedAt(decoder, { ...stored(saved), files });
      expect(await readBuffers(gpu, trained.params)).toEqual(stopped.params);
      trained.dispose();
    },
  );
});

describe('rows set aside', () => {
  it('decide which adapter is the result', async () => {
    const own = { max_steps: 12, eval_steps: 2, lr: 0.1, load_best: true, checkpoint_steps: 0 };
    // Who stops it in its last step stops nothing.
    const { outcome, evals, saved, params } = await run(await open(own), {
      evalDataset: evalRows,
      until: 12,
    });
    const trained = evals.filter(([step]) => step > 0);
    const lowest = trained.reduce((a, b) => (b[1] < a[1] ? b : a));
    expect(outcome).toMatchObject({
      best: { step: lowest[0], loss: lowest[1] },
      resultStep: lowest[0],
      stopped: false,
      stoppedEarly: false,
    });
    expect(lowest[0]).toBeLessThan(12);
    // No other was due, and the best is there all the same.
    const { files } = saved.get(lowest[0])!;
    const first = files.find(({ name }) => name === 'parameters.0')!;
    expect(new Float32Array((await first.read(0, first.size)).buffer)).toEqual(params);
  });

  it('are evaluated in a run that is stopped and resumed when they are in one that is not', async () => {
    const own = { max_steps: 6, eval_steps: 4, lr: 0.1, load_best: true, checkpoint_steps: 0 };
    const recipe = await open(own);
    const whole = await run(recipe, { evalDataset: evalRows });
    expect(whole.evals.map(([step]) => step)).toEqual([0, 4, 6]);
    for (const until of [1, 4, 5]) {
      const stopped = await run(recipe, { evalDataset: evalRows, until });
      const resume = stored(stopped.saved.get(until)!);
      const resumed = await run(recipe, { evalDataset: evalRows, resume });
      expect([...stopped.evals, ...resumed.evals]).toEqual(whole.evals);
      expect(await contentOf(resumed.saved.get(6)!)).toEqual(await contentOf(whole.saved.get(6)!));
      expect(resumed.params).toEqual(whole.params);
    }
  });

  it('end the run when their loss stops getting better', async () => {
    const recipe = await open({ max_steps: 60, eval_steps: 1, lr: 0.1, patience: 3, schedule: 'constant' });
    const { outcome, evals, reports } = await run(recipe, { evalDataset: evalRows });
    expect(outcome).toMatchObject({ stoppedEarly: true, stopped: false, steps: reports.length });
    expect(outcome.steps).toBe(outcome.best!.step + 3);
    expect(evals.slice(-3).every(([, loss]) => loss >= outcome.best!.loss)).toBe(true);
    // A demand that nothing meets ends it three evaluations after the first.
    const strict = await run({ ...recipe, min_delta: 50 }, { evalDataset: evalRows });
    expect(strict.outcome.steps).toBe(4);
  });

  it('must be there for what needs them', async () => {
    const recipe = await open({ patience: 2 });
    await expectGraftError(() => run(recipe), 'train.no_eval_rows', { key: 'patience' });
  });
});
