import { beforeAll, describe, expect, it } from 'vitest';
import { defaultRecipe, type Recipe } from '../../../base/config/recipe.ts';
import { MemoryDirectory } from '../../../base/storage/memoryDirectory.ts';
import { rowShapes } from '../../../content/data/tokens/rowShapes.ts';
import type { CheckpointData } from '../../../content/runs/types.ts';
import type { Gpu } from '../../gpu/device.ts';
import { Decoder } from '../../model/decoder/decoder.ts';
import type { LoraAdapter } from '../../model/trained/loraAdapter.ts';
import { openModelFiles } from '../../model/spec/openModel.ts';
import { closeDecoder, headOf, openDecoder, quantizationOf } from '../../model/weights/openDecoder.ts';
import { resident, type Streaming } from '../../model/weights/streaming.ts';
import { copyOf } from '../../../testing/checkpoints.ts';
import { expectGraftError } from '../../../testing/errors.ts';
import { testGpu } from '../../../testing/gpu.ts';
import { refuseLeaks } from '../../../testing/leaks.ts';
import { lossesAndGrads, randomizeAdapter, readBuffers } from '../../../testing/passes.ts';
import { randomPrompts, tokenRewards } from '../../../testing/promptRows.ts';
import { tinyModel } from '../../../testing/tinyModel.ts';
import { measureMemory, planMemory } from '../memoryPlan.ts';
import { startTraining } from '../startTraining.ts';
import { stepsOf } from '../steps.ts';
import { StepRunner } from '../trainStep.ts';
import type { ShownCompletion } from '../trainOptions.ts';
import { train, type StepReport } from '../trainer.ts';
import { SampledSteps } from './sampledSteps.ts';

refuseLeaks();

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const dataset = randomPrompts([3, 5, 2, 7, 4, 1]);
const heldOut = randomPrompts([6, 2], { seed: 8 });

function recipeOf(fields: Partial<Recipe>): Recipe {
  return {
    ...defaultRecipe('grpo'),
    objective: 'grpo',
    rewards: [{ kind: 'exact' }],
    rank: 4,
    lr: 1e-2,
    batch_size: 1,
    grad_accum: 2,
    num_generations: 3,
    max_completion_length: 6,
    max_length: 10,
    eval_steps: 2,
    max_steps: 4,
    dtype: 'f32',
    ...fields,
  };
}

interface RunOptions {
  streaming?: Streaming;
  resume?: CheckpointData;
}

async function run(recipe: Recipe, { streaming = resident, resume }: RunOptions = {}) {
  const files = await openModelFiles(tinyModel({ dtype: 'BF16', config: { num_hidden_layers: 3 } }));
  const { memory } = gpu;
  memory.resetPeak();
  const before = memory.bytes;
  const decoder = await openDecoder(gpu, files, 'f32', {
    quantize: quantizationOf(recipe),
    head: headOf(recipe),
    streaming,
    spillFolder: new MemoryDirectory('spill'),
  });
  const adapter = await startTraining(decoder, recipe, null);
  const reports: StepReport[] = [];
  const evals: number[] = [];
  const shown = new Map<number, readonly ShownCompletion[]>();
  const saved = new Map<number, CheckpointData>();
  await train({
    decoder,
    adapter,
    recipe,
    dataset,
    evalDataset: heldOut,
    sampling: tokenRewards(),
    resume: resume ?? null,
    checkpoints: {
      seconds: 1e6,
      model: 'tiny',
      save: async (data) => void saved.set(data.step, await copyOf(data)),
    },
    onCompletions: (step, completions) => void shown.set(step, completions),
    onStep: (report) => reports.push(report),
    onEval: (_, loss, reward) => {
      expect(loss).toBe(-reward!);
      evals.push(reward!);
    },
    shouldStop: () => false,
  });
  const params = await readBuffers(gpu, adapter.params);
  const total = memory.peak - before;
  adapter.dispose();
  closeDecoder(decoder);
  await decoder.spill?.dispose();
  return { reports, evals, shown, params, saved, total, files };
}

const kinds: [string, Partial<Recipe>][] = [
  ['as it is by default', {}],
  ['two passes over a sample, compared with the base', { num_iterations: 2, beta: 0.2, loss_type: 'grpo' }],
  [
    'in 4 bits, at another temperature',
    { method: 'qlora', temperature: 0.7, beta: 0.1, top_k: 9, top_p: 0.9 },
  ],
  [
    'with dropout, three passes',
    { dropout: 0.1, num_iterations: 3, loss_type: 'bnpo', scale_rewards: 'batch' },
  ],
  ['the whole model', { method: 'full', lr: 1e-3, beta: 0.1, loss_type: 'dr_grpo', scale_rewards: 'none' }],
  ['DoRA, two prompts together', { dora: true, batch_size: 2, grad_accum: 1 }],
];

describe.each(kinds)('GRPO, %s', (_, fields) => {
  const recipe = recipeOf({ checkpoint_steps: 1, ...fields });

  it('resumes bit for bit after any step', async () => {
    const whole = await run(recipe);
    expect(whole.reports.length).toBe(4);
    expect(whole.evals.every(Number.isFinite)).toBe(true);
    for (const { loss, completions } of whole.reports) {
      expect(loss).not.toBeNaN();
      expect(completions!.length).toBeGreaterThan(1);
      expect(completions!.kl === null).toBe(recipe.beta === 0);
      expect(Object.keys(completions!.rewards)).toEqual(['even', 'short']);
    }
    // A step on the sample of the step before has its rewards.
    expect([...whole.shown.keys()]).toEqual(
      [1, 2, 3, 4].filter((step) => (step - 1) % recipe.num_iterations === 0),
    );
    for (const step of [1, 2]) {
      const rest = await run(recipe, { resume: whole.saved.get(step)! });
      expect(rest.reports).toEqual(whole.reports.slice(step));
      expect(rest.params).toEqual(whole.params);
    }
  });

  it('takes the memory of its plan', async () => {
    const { total, files } = await run(recipe);
    const data = { train: rowShapes(dataset), evaluation: rowShapes(heldOut) };
    const plan = await planMemory(files, recipe, gpu, data);
    // Where the embedding is trained, a micro-batch lists its distinct tokens, which shapes do not say.
    const distinct = recipe.method === 'full' ? 8 * plan.tokens : 0;
    expect(total - plan.total).toBeGreaterThanOrEqual(0);
    expect(total - plan.total).toBeLessThanOrEqual(distinct);
    // Without data, prompts and completions are as long as they may be.
    const without = await planMemory(files, recipe, gpu, null);
    const measured = await measureMemory(gpu, files, recipe, null);
    expect({ total: without.total, parts: without.parts }).toEqual({
      total: measured.total,
      parts: measured.parts,
    });
  });
});

it('gives the bits of resident weights from disk', async () => {
  const recipe = recipeOf({ beta: 0.2, num_iterations: 2 });
  const { reports, evals, params } = await run(recipe);
  expect(await run(recipe, { streaming: { slots: 1, ends: true, spill: true } })).toMatchObject({
    reports,
    evals,
    params,
  });
});

it('samples other completions with another seed, and at another step', async () => {
  const { shown } = await run(recipeOf({ lr: 0, shuffle: false, grad_accum: 1, batch_size: 6 }));
  const other = await run(recipeOf({ lr: 0, shuffle: false, grad_accum: 1, batch_size: 6, seed: 1 }));
  const idsOf = (of: typeof shown, step: number) => of.get(step)!.map(({ ids }) => ids);
  expect(idsOf(shown, 1)).not.toEqual(idsOf(other.shown, 1));
  // The parameters stay as they are, and so does the prompt.
  expect(shown.get(2)![0]!.prompt).toEqual(shown.get(1)![0]!.prompt);
  expect(idsOf(shown, 2)).not.toEqual(idsOf(shown, 1));
  expect(new Set(idsOf(shown, 1).map(String)).size).toBeGreaterThan(1);
});

it('has no gradient where all completions of every group are rewarded alike', async () => {
  const recipe = recipeOf({});
  const decoder = await openDecoder(gpu, await openModelFiles(tinyModel()), 'f32');
  const adapter = await startTraining(decoder, recipe, null);
  const { endIds, scorer } = tokenRewards();
  const sampling = {
    endIds,
    scorer: { ...scorer, score: async (all: readonly unknown[]) => all.map(() => [0.1, 0.3]) },
  };
  const plan = stepsOf(recipe, [3, 5, 2, 7, 4, 1]);
  const sampled = new SampledSteps({ decoder, adapter, recipe, dataset, evalDataset: null, sampling }, plan);
  const runner = new StepRunner(decoder, adapter, 'adamw', 'f32', sampled.objective);
  const { gradNorm, completions } = await runner.run(await sampled.batches(1), { p: 0, seeds: [] }, null);
  runner.dispose();
  adapter.dispose();
  closeDecoder(decoder);
  expect(gradNorm).toBe(0);
  expect(completions).toMatchObject({ withoutSpread: 1, rewardStd: 0 });
});

describe('the gradient of a step', () => {
  it.each<[string, Partial<Recipe>]>([
    ['grpo', { loss_type: 'grpo' }],
    ['dapo with KL', { beta: 0.3 }],
    ['at a temperature of 0.5', { beta: 0.3, temperature: 0.5 }],
  ])('is that of its tokens, each by its slope: %s', async (_, fields) => {
    const recipe = recipeOf(fields);
    const decoder = await openDecoder(gpu, await openModelFiles(tinyModel()), 'f32');
    const adapter = (await startTraining(decoder, recipe, null)) as LoraAdapter;
    randomizeAdapter(adapter);
    const plan = stepsOf(recipe, [3, 5, 2, 7, 4, 1]);
    const sampled = new SampledSteps(
      { decoder, adapter, recipe, dataset, evalDataset: null, sampling: tokenRewards() },
      plan,
    );
    const runner = new StepRunner(decoder, adapter, 'adamw', 'f32', sampled.objective);
    const batches = await sampled.batches(1);
    const { lossSum } = await runner.run(batches, { p: 0, seeds: [] }, null);
    const found = await readBuffers(gpu, runner.grads);
    // The same passes with weights known beforehand: −∂loss/∂log p of each token at the sampled parameters.
    const wanted = new Float64Array(found.length);
    const { temperature, beta } = recipe;
    let loss = 0;
    for (const batch of batches) {
      const slopes = new Float32Array(batch.targetRows.length);
      for (const { start, end, advantage, tokenShare, known } of batch.completions!) {
        for (let at = start; at < end; at++) {
          const gap = beta > 0 ? known.reference![at - start]! - known.sampled![at - start]! : 0;
          loss += tokenShare * (-advantage + beta * (Math.exp(gap) - gap - 1));
          slopes[at] = tokenShare * (advantage + beta * gap);
        }
      }
      const { spec } = decoder;
      const logits = { multiplier: spec.logits.multiplier / temperature, cap: spec.logits.cap };
      const tempered = new Decoder(gpu, { ...spec, logits }, decoder.weights, decoder.type);
      const { grads } = await lossesAndGrads(tempered, adapter, { ...batch, targetWeights: slopes });
      grads.forEach((value, at) => (wanted[at]! += value * batch.targetRows.length));
      tempered.dispose();
    }
    runner.dispose();
    adapter.dispose();
    closeDecoder(decoder);
    expect(Math.abs(lossSum - loss)).toBeLessThan(1e-6);
    const norm = Math.hypot(...wanted);
    expect(norm).toBeGreaterThan(1e-4);
    expect(Math.hypot(...wanted.map((value, i) => value - found[i]!)) / norm).toBeLessThan(1e-5);
  });
});

it.each<[string, Partial<Recipe>]>([
  ['train.no_rewards', { rewards: [] }],
  ['train.objective_refuses', { packing: true }],
  ['train.objective_refuses', { split_turns: true }],
  ['train.objective_refuses', { neftune_noise_alpha: 5 }],
])('throws %s for %j', async (code, fields) => {
  const files = await openModelFiles(tinyModel());
  await expectGraftError(
    () => planMemory(files, recipeOf(fields), gpu, null),
    code as 'train.no_rewards',
    {},
  );
});
