import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import { buildMicroBatch } from '../../content/data/tokens/microBatch.ts';
import { rowLengths } from '../../content/data/tokens/tokenize.ts';
import { selectRows, tokenRowsOf, type TokenRows } from '../../content/data/tokens/tokenRows.ts';
import { decodeFloats, encodeFloats } from '../../base/lib/floats.ts';
import type { Gpu } from '../gpu/device.ts';
import { Profiler } from '../gpu/profiler.ts';
import type { Profile } from '../../base/lib/profile.ts';
import { withoutAdapter, type Decoder } from '../model/decoder/decoder.ts';
import { closeDecoder, openDecoder } from '../model/weights/openDecoder.ts';
import { openModelFiles } from '../model/spec/openModel.ts';
import { expectClose } from '../../testing/compare.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { testGpu } from '../../testing/gpu.ts';
import { needTimestamps } from '../../testing/needs.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { batchOf, modulesOf, randomRows, readBuffers, weighted } from '../../testing/passes.ts';
import { replaceTensor, tinyModel, type TinyModelOptions } from '../../testing/tinyModel.ts';
import { evaluate, targetLosses } from './evaluate.ts';
import { startAdapter } from './startAdapter.ts';
import { stepsOf } from './steps.ts';
import { train, type StepReport } from './trainer.ts';
import { StepRunner } from './trainStep.ts';

const rows = randomRows([5, 3, 7, 4, 6, 2]);
const evalRows = randomRows([4, 5, 3], { seed: 8 });

refuseLeaks();

let gpu: Gpu;
let decoder: Decoder;
beforeEach(async () => {
  gpu = await testGpu();
  await open();
});
afterEach(() => {
  closeDecoder(decoder);
});

async function open(options?: TinyModelOptions): Promise<void> {
  decoder = await openDecoder(gpu, await openModelFiles(tinyModel(options)), 'f32');
}

function recipeOf(fields: Partial<Recipe> = {}): Recipe {
  return {
    ...defaultRecipe(),
    rank: 4,
    alpha: 8,
    lr: 1e-2,
    schedule: 'constant',
    batch_size: 2,
    shuffle: false,
    max_steps: 3,
    ...fields,
  };
}

interface RunOptions {
  dataset?: TokenRows;
  evalDataset?: TokenRows | null;
  stopAfter?: number;
  evaluateAfter?: number;
}

/** Trains a fresh adapter; gives what was reported, what came of it (or its error) and the adapter's values. */
async function run(
  fields: Partial<Recipe> = {},
  { dataset = rows, evalDataset = null, stopAfter = Infinity, evaluateAfter }: RunOptions = {},
) {
  const recipe = recipeOf(fields);
  const adapter = await startAdapter(decoder, recipe, null);
  const start = await readBuffers(gpu, adapter.params);
  const reports: StepReport[] = [];
  const evals: [number, number][] = [];
  const outcome = await train({
    decoder,
    adapter,
    recipe,
    dataset,
    evalDataset,
    evaluateAfter,
    onStep: (report) => reports.push(report),
    onEval: (step, loss) => evals.push([step, loss]),
    shouldStop: () => reports.length >= stopAfter,
  }).catch((error: unknown) => error);
  const params = await readBuffers(gpu, adapter.params);
  const modules = modulesOf(adapter, params);
  const use = { adapter, strength: 1, dropout: null };
  const { loss: evalLoss } = await evaluate(decoder, use, evalRows, 4);
  adapter.dispose();
  return { outcome, reports, evals, start, params, modules, evalLoss };
}

describe('the loss and gradient of a step', () => {
  it('do not depend on how its rows are divided', async () => {
    const whole = await run({ batch_size: 6, max_steps: 2 });
    for (const division of [
      { batch_size: 1, grad_accum: 6 },
      { batch_size: 2, grad_accum: 3 },
      { batch_size: 2, grad_accum: 1, packing: true, max_length: 14 },
    ]) {
      const divided = await run({ max_steps: 2, ...division });
      const numbers = (reports: StepReport[]) => reports.flatMap(({ loss, gradNorm }) => [loss, gradNorm]);
      expectClose(numbers(divided.reports), numbers(whole.reports), { rtol: 1e-6 });
      expect(divided.reports.map((r) => r.tokens)).toEqual(whole.reports.map((r) => r.tokens));
      expect(divided.reports[0]!.tokens).toBe(27 - 6);
      expect(divided.reports[0]!.contextTokens).toBe(27);
    }
  });

  it('weigh every target the same, however its rows are grouped', async () => {
    // A row of one target and one of eleven: a mean of means would count the first twelve times as much.
    const uneven = randomRows([2, 12]);
    const [short, long] = [selectRows(uneven, [0]), selectRows(uneven, [1])];
    const loss = async (dataset: TokenRows, fields: Partial<Recipe>) =>
      (await run({ max_steps: 1, batch_size: 1, ...fields }, { dataset })).reports[0]!.loss;
    const both = await loss(uneven, { grad_accum: 2 });
    expectClose([both * 12], [(await loss(short, {})) + 11 * (await loss(long, {}))], { rtol: 1e-6 });
  });
});

describe('weights of the losses', () => {
  const use = { adapter: null, strength: 0, dropout: null };
  const heavy = weighted(rows);

  it('weigh the loss of a step and of an evaluation, and not the number of targets', async () => {
    const { targetWeights: weights } = batchOf(heavy);
    const losses = await targetLosses(decoder, use, batchOf(rows));
    const mean = losses.reduce((sum, loss, i) => sum + weights![i]! * loss, 0) / losses.length;
    const { reports } = await run({ max_steps: 1, batch_size: 6 }, { dataset: heavy });
    expect(reports[0]!.tokens).toBe(losses.length);
    expectClose([reports[0]!.loss], [mean], { rtol: 1e-6 });
    const evaluation = await evaluate(decoder, use, heavy, 4);
    expectClose([evaluation.loss], [mean], { rtol: 1e-6 });
    expect(evaluation.tokens).toBe(losses.length);
  });

  it('do not depend on how its rows are divided', async () => {
    const numbers = ({ reports }: { reports: StepReport[] }) =>
      reports.flatMap(({ loss, gradNorm }) => [loss, gradNorm]);
    const whole = await run({ batch_size: 6, max_steps: 2 }, { dataset: heavy });
    const plain = await run({ batch_size: 6, max_steps: 2 });
    expect(Math.abs(numbers(plain)[1]! / numbers(whole)[1]! - 1)).toBeGreaterThan(0.01);
    for (const division of [
      { batch_size: 2, grad_accum: 3 },
      { batch_size: 2, grad_accum: 1, packing: true, max_length: 14 },
    ]) {
      const divided = await run({ max_steps: 2, ...division }, { dataset: heavy });
      expectClose(numbers(divided), numbers(whole), { rtol: 1e-6 });
    }
  });

  it('of 1 give the bits of none', async () => {
    const ones = { ...rows, weights: new Float32Array(rows.ids.length).fill(1) };
    const evalOnes = { ...evalRows, weights: new Float32Array(evalRows.ids.length).fill(1) };
    const fields = { max_steps: 4, grad_accum: 2, eval_steps: 2, dropout: 0.2 };
    const plain = await run(fields, { evalDataset: evalRows });
    expect(await run(fields, { dataset: ones, evalDataset: evalOnes })).toEqual(plain);
  });
});

describe('a run', () => {
  it('gives the same bits again, with shuffling, packing and dropout', async () => {
    const recipe = {
      shuffle: true,
      packing: true,
      dropout: 0.2,
      max_length: 12,
      grad_accum: 2,
      max_steps: 4,
    };
    const first = await run(recipe);
    const second = await run(recipe);
    expect(second.params).toEqual(first.params);
    expect(second.reports).toEqual(first.reports);
    const other = await run({ ...recipe, seed: 43 });
    expect(other.params).not.toEqual(first.params);
    const withoutDropout = await run({ ...recipe, dropout: 0 });
    expect(withoutDropout.reports.map((r) => r.tokens)).toEqual(first.reports.map((r) => r.tokens));
    expect(withoutDropout.params).not.toEqual(first.params);
  });

  it('gives the bits of steps that wait for each other', async () => {
    const { reports, params } = await run({ max_steps: 4 });
    const recipe = recipeOf({ max_steps: 4 });
    const adapter = await startAdapter(decoder, recipe, null);
    const runner = new StepRunner(decoder, adapter);
    const plan = stepsOf(recipe, rowLengths(rows));
    const { lr, beta1, beta2, eps, weight_decay: weightDecay, max_grad_norm: maxGradNorm } = recipe;
    const losses: number[] = [];
    for (let step = 1; step <= 4; step++) {
      const batches = plan.step(step - 1).map((packed) => buildMicroBatch(rows, packed));
      const adamW = { lr, beta1, beta2, eps, weightDecay, maxGradNorm, step };
      const { lossSum, targets } = await runner.run(batches, { p: 0, seeds: [] }, adamW);
      losses.push(lossSum / targets);
    }
    expect(reports.map((r) => r.loss)).toEqual(losses);
    expect(params).toEqual(await readBuffers(gpu, adapter.params));
    runner.dispose();
    adapter.dispose();
  });

  it('reports each step in order, with the profile of the requested one', async (context) => {
    needTimestamps(context, gpu);
    const reported: string[] = [];
    let asked = 0;
    const profiler = () => ((asked += 1) === 2 ? new Profiler(gpu) : null);
    const onProfile = (step: number, { dispatches }: Profile) => {
      reported.push(`profile ${step}`);
      const parts = new Set(dispatches.map(({ scope }) => scope.join(' ')));
      expect(parts).toContain('backward layer 1');
      expect(parts).toContain('optimizer');
      // Evaluation in between is no part of the step.
      expect(dispatches.filter(({ kernel }) => kernel === 'embedding')).toHaveLength(1);
    };
    const recipe = recipeOf({ max_steps: 3, eval_steps: 1 });
    const adapter = await startAdapter(decoder, recipe, null);
    await train({
      decoder,
      adapter,
      recipe,
      dataset: rows,
      evalDataset: evalRows,
      profiler,
      onProfile,
      onStep: ({ step }) => reported.push(`step ${step}`),
      onEval: (step) => reported.push(`eval ${step}`),
      shouldStop: () => false,
    });
    adapter.dispose();
    const inOrder = ['eval 0', 'step 1', 'eval 1', 'step 2', 'profile 2', 'eval 2', 'step 3', 'eval 3'];
    expect(reported).toEqual(inOrder);
  });

  it('drops other inputs in every step and every micro-batch', async () => {
    const norms = async (fields: Partial<Recipe>, dataset: TokenRows) =>
      (await run({ lr: 0, batch_size: 1, ...fields }, { dataset })).reports.map((r) => r.gradNorm);
    const same = selectRows(rows, [0, 0, 0]);
    expect(new Set(await norms({}, same)).size).toBe(1);
    expect(new Set(await norms({ dropout: 0.5 }, same)).size).toBe(3);
    // Two micro-batches of the same row under the same mask would have the gradient of one.
    const [once] = await norms({ dropout: 0.5, max_steps: 1 }, same);
    const [twice] = await norms({ dropout: 0.5, max_steps: 1, grad_accum: 2 }, same);
    expect(Math.abs(twice! / once! - 1)).toBeGreaterThan(1e-3);
  });

  it('adds other noise in every step and every micro-batch, and none in an evaluation', async () => {
    const same = selectRows(rows, [0, 0, 0]);
    const losses = async (fields: Partial<Recipe>) => {
      const { reports, evals, evalLoss } = await run(
        { lr: 0, batch_size: 1, eval_steps: 1, ...fields },
        { dataset: same, evalDataset: evalRows },
      );
      return { steps: reports.map(({ loss }) => loss), evals: evals.map(([, loss]) => loss), evalLoss };
    };
    const [without, noisy] = [await losses({}), await losses({ neftune_noise_alpha: 15 })];
    expect(new Set(without.steps).size).toBe(1);
    expect(new Set(noisy.steps).size).toBe(3);
    expect(noisy.evals).toEqual(without.evals);
    expect(noisy.evalLoss).toBe(without.evalLoss);
    expect((await losses({ neftune_noise_alpha: 15 })).steps).toEqual(noisy.steps);
  });

  it('trains B at the ratio’s learning rate, and A at its own', async () => {
    const trained = async (fields: Partial<Recipe>) => {
      const recipe = recipeOf({ max_steps: 1, weight_decay: 0, ...fields });
      const adapter = await startAdapter(decoder, recipe, null);
      await train({
        decoder,
        adapter,
        recipe,
        dataset: rows,
        evalDataset: null,
        onStep: () => undefined,
        onEval: () => undefined,
        shouldStop: () => false,
      });
      const values = [...(await adapter.read()).values()];
      adapter.dispose();
      return { a: values.map(({ a }) => [...a]), b: values.map(({ b }) => [...b]) };
    };
    // B starts at zero, so that A has no gradient in the first step.
    const [slow, fast] = [await trained({}), await trained({ lr: 0.16 })];
    const plus = await trained({ loraplus_lr_ratio: 16 });
    expect(plus.b).toEqual(fast.b);
    expect(plus.b).not.toEqual(slow.b);
    expect(plus.a).toEqual(slow.a);
    const twoSteps = { max_steps: 2, loraplus_lr_ratio: 16 };
    expect((await trained(twoSteps)).a).not.toEqual((await trained({ ...twoSteps, lr: 0.16 })).a);
  });

  it('begins DoRA as the model itself, whatever its weights are stored as', async () => {
    for (const quantize of [undefined, { doubleQuant: false }]) {
      closeDecoder(decoder);
      const files = await openModelFiles(tinyModel({ config: { hidden_size: 64, intermediate_size: 128 } }));
      decoder = await openDecoder(gpu, files, 'f32', { ...(quantize && { quantize }) });
      const { loss } = await evaluate(decoder, withoutAdapter, evalRows, 4);
      const { evalLoss } = await run({ dora: true, lr: 0, max_steps: 1 });
      expectClose([evalLoss], [loss], { rtol: 1e-6 });
      const { reports } = await run({ dora: true, max_steps: 30, batch_size: 6 });
      expect(reports.at(-1)!.loss).toBeLessThan(0.5 * reports[0]!.loss);
    }
  });

  it('refuses DoRA with dropout, and on the head', async () => {
    await expectGraftError(() => run({ dora: true, dropout: 0.1 }), 'train.dora_dropout', { dropout: 0.1 });
    const targets = ['q_proj', 'lm_head'];
    await expectGraftError(() => run({ dora: true, targets }), 'model.adapter_dora_head', {
      module: 'lm_head',
    });
  });

  it('learns its rows', async () => {
    const { reports } = await run({ max_steps: 30, batch_size: 6 });
    expect(reports.at(-1)!.loss).toBeLessThan(0.5 * reports[0]!.loss);
  });

  it('stopped has what a shorter run would have', async () => {
    const stopped = await run({ max_steps: 9 }, { stopAfter: 2 });
    const short = await run({ max_steps: 2 });
    expect(stopped.outcome).toMatchObject({ steps: 2, stopped: true });
    expect(short.outcome).toMatchObject({ steps: 2, stopped: false, finalLoss: short.reports[1]!.loss });
    expect(stopped.params).toEqual(short.params);
  });

  it('leaves the adapter alone while the rate is zero, and warms up', async () => {
    const { start, params, reports } = await run({ schedule: 'linear', warmup_steps: 2, max_steps: 1 });
    expect(params).toEqual(start);
    expect(reports[0]!.lr).toBe(0);
    const longer = await run({ schedule: 'linear', warmup_steps: 2, max_steps: 4 });
    expect(longer.reports.map((r) => r.lr)).toEqual([0, 0.005, 0.01, 0.005]);
  });

  it('takes epochs where no steps are given', async () => {
    const { reports } = await run({ max_steps: 0, epochs: 1.5, batch_size: 4 });
    expect(reports.map(({ step, totalSteps, contextTokens }) => [step, totalSteps, contextTokens])).toEqual([
      [1, 3, 19],
      [2, 3, 8],
      [3, 3, 19],
    ]);
  });

  it('trains the modules of the layers asked for, and no other', async () => {
    const { modules } = await run({ targets: ['down_proj', 'q_proj'], layers: [1] });
    expect(modules.map(({ module }) => module.path)).toEqual([
      'model.layers.1.self_attn.q_proj',
      'model.layers.1.mlp.down_proj',
    ]);
    for (const { b } of modules) expect(b.every((x) => x !== 0)).toBe(true);
  });
});

describe('evaluation', () => {
  it('comes before the first step, every so many and at the end, and does not change the run', async () => {
    const plain = await run({ max_steps: 5, eval_steps: 2, dropout: 0.2 });
    const evaluated = await run({ max_steps: 5, eval_steps: 2, dropout: 0.2 }, { evalDataset: evalRows });
    expect(evaluated.params).toEqual(plain.params);
    expect(evaluated.evals.map(([step]) => step)).toEqual([0, 2, 4, 5]);
    expectClose([evaluated.evals[3]![1]], [plain.evalLoss], { rtol: 1e-6 });
  });

  it('comes where the schedule has it and where it was asked for, wherever the run is stopped', async () => {
    const stepsWith = async (options: RunOptions) => {
      const { evals } = await run({ max_steps: 5, eval_steps: 2 }, { evalDataset: evalRows, ...options });
      return evals.map(([step]) => step);
    };
    expect(await stepsWith({ stopAfter: 1 })).toEqual([0]);
    expect(await stepsWith({ stopAfter: 3 })).toEqual([0, 2]);
    expect(await stepsWith({ stopAfter: 4 })).toEqual([0, 2, 4]);
    expect(await stepsWith({ stopAfter: 3, evaluateAfter: 3 })).toEqual([0, 2, 3]);
  });

  it('that was only asked for decides neither the best step nor when the run ends', async () => {
    const fields = { max_steps: 6, eval_steps: 3, lr: 0.3, load_best: true, patience: 1 };
    const scheduled = await run(fields, { evalDataset: evalRows });
    for (const evaluateAfter of [1, 2, 4]) {
      const asked = await run(fields, { evalDataset: evalRows, evaluateAfter });
      expect(asked.evals.length).toBeGreaterThanOrEqual(scheduled.evals.length);
      expect(asked.outcome).toEqual(scheduled.outcome);
      expect(asked.params).toEqual(scheduled.params);
    }
  });

  it('is the mean over all targets, whatever the batches', async () => {
    const use = { adapter: null, strength: 0, dropout: null };
    const all = await evaluate(decoder, use, evalRows, 3);
    const one = await evaluate(decoder, use, evalRows, 1);
    expect(all.tokens).toBe(9);
    expect(one.tokens).toBe(9);
    expectClose([one.loss], [all.loss], { rtol: 1e-6 });
    let sum = 0;
    for (const row of [0, 1, 2]) {
      const { loss, tokens } = await evaluate(decoder, use, selectRows(evalRows, [row]), 1);
      sum += loss * tokens;
    }
    expectClose([sum / 9], [all.loss], { rtol: 1e-6 });
  });

  it('leaves rows without a target out', async () => {
    const use = { adapter: null, strength: 0, dropout: null };
    const masked = tokenRowsOf([{ ids: [1, 2, 3], labels: [-100, -100, -100] }]);
    expect(await evaluate(decoder, use, masked, 1)).toEqual({ loss: NaN, tokens: 0 });
  });
});

describe('a gradient that is not finite', () => {
  const poison = 39;
  const withPoison = (ids: number[]) => ({ ids, labels: ids });
  const clean = [
    [1, 2, 3],
    [4, 5, 6, 7],
    [8, 9, 10],
  ].map(withPoison);

  beforeEach(async () => {
    closeDecoder(decoder);
    // The embedding of one token is infinite.
    await open({
      edit: (tensors) =>
        replaceTensor(tensors, 'model.embed_tokens.weight', ({ bytes }) => {
          const values = decodeFloats(bytes, 'F32').slice();
          values.fill(Infinity, poison * 32, (poison + 1) * 32);
          return { bytes: encodeFloats(values, 'F32') };
        }),
    });
  });

  it('skips its step, as if it had not been', async () => {
    const dataset = tokenRowsOf([clean[0]!, withPoison([1, poison, 3]), clean[1]!, clean[2]!]);
    const skipped = await run({ batch_size: 1, max_steps: 4 }, { dataset });
    expect(skipped.reports.map((r) => r.skipped)).toEqual([false, true, false, false]);
    const without = await run({ batch_size: 1, max_steps: 3 }, { dataset: tokenRowsOf(clean) });
    expect(skipped.params).toEqual(without.params);
    expect(skipped.params).not.toEqual(skipped.start);
  });

  it('five times in a row ends the run, and the adapter is as it was before', async () => {
    const dataset = tokenRowsOf(Array.from({ length: 8 }, () => withPoison([1, poison, 3])));
    const { outcome, reports, params, start } = await run({ batch_size: 1, max_steps: 8 }, { dataset });
    expect(outcome).toMatchObject({ code: 'train.diverged', params: { step: 5, count: 5 } });
    expect(reports.every((r) => r.skipped)).toBe(true);
    expect(params).toEqual(start);
  });
});

describe('a step far above those before', () => {
  it('is left out, as if it had not been', async () => {
    // The same row again and again, hardly learned, and then one that the model knows less of.
    const losses: number[] = [];
    for (let row = 0; row < 6; row++) losses.push(await lossOf(selectRows(rows, [row])));
    const [easy, hard] = [losses.indexOf(Math.min(...losses)), losses.indexOf(Math.max(...losses))];
    const many = Array.from({ length: 66 }, () => easy);
    const fields = { batch_size: 1, lr: 1e-5, max_steps: 69 };
    const dataset = selectRows(rows, [...many, hard, easy, easy]);
    const guarded = await run(fields, { dataset });
    expect(guarded.reports.filter((r) => r.skipped).map((r) => [r.step, r.spike])).toEqual([[67, true]]);
    const without = await run(
      { ...fields, max_steps: 68 },
      { dataset: selectRows(rows, [...many, easy, easy]) },
    );
    expect(guarded.params).toEqual(without.params);
    const unguarded = await run({ ...fields, spike_guard: 0 }, { dataset });
    expect(unguarded.reports.every((r) => !r.skipped && !r.spike)).toBe(true);
    expect(unguarded.params).not.toEqual(guarded.params);
  });

  async function lossOf(dataset: TokenRows): Promise<number> {
    return (await evaluate(decoder, { adapter: null, strength: 0, dropout: null }, dataset, 1)).loss;
  }
});

describe('rows', () => {
  const trainOn = (dataset: TokenRows) => async () => {
    const { outcome } = await run({}, { dataset });
    throw outcome;
  };

  it('must be there, and fit the model', async () => {
    await expectGraftError(trainOn(tokenRowsOf([])), 'train.no_rows');
    await expectGraftError(trainOn(randomRows([4, 65])), 'train.row_too_long', { length: 65, positions: 64 });
    const beyond = randomRows([4, 5]);
    beyond.labels[7] = 1e6;
    await expectGraftError(trainOn(beyond), 'train.token_beyond_model', { id: 1e6 });
  });
});
