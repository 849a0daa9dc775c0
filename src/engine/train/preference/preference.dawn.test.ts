import { beforeAll, describe, expect, it } from 'vitest';
import { defaultRecipe, type PreferenceObjectiveName, type Recipe } from '../../../base/config/recipe.ts';
import { MemoryDirectory } from '../../../base/storage/memoryDirectory.ts';
import { sequencesOf } from '../../../content/data/tokens/preferenceColumn.ts';
import { rowShapes } from '../../../content/data/tokens/rowShapes.ts';
import { tokenRowsOf, type TokenRows } from '../../../content/data/tokens/tokenRows.ts';
import { buildMicroBatch } from '../../../content/data/tokens/microBatch.ts';
import type { CheckpointData } from '../../../content/runs/types.ts';
import type { Gpu } from '../../gpu/device.ts';
import { withoutAdapter } from '../../model/decoder/decoder.ts';
import { openModelFiles } from '../../model/spec/openModel.ts';
import { resident, type Streaming } from '../../model/weights/streaming.ts';
import { closeDecoder, headOf, openDecoder, quantizationOf } from '../../model/weights/openDecoder.ts';
import { LoraAdapter } from '../../model/trained/loraAdapter.ts';
import { copyOf } from '../../../testing/checkpoints.ts';
import { testGpu } from '../../../testing/gpu.ts';
import { refuseLeaks } from '../../../testing/leaks.ts';
import { lossesAndGrads, randomizeAdapter, readBuffers, withMaxBinding } from '../../../testing/passes.ts';
import { randomPreferences } from '../../../testing/preferenceRows.ts';
import { tinyModel } from '../../../testing/tinyModel.ts';
import { measureMemory, planMemory } from '../memoryPlan.ts';
import { startTraining } from '../startTraining.ts';
import { StepRunner } from '../trainStep.ts';
import { train, type StepReport } from '../trainer.ts';
import { judgeBatch } from './evaluatePreferences.ts';
import { objectiveOf } from './judge.ts';
import { PreferenceObjective } from './preferenceObjective.ts';
import { answerLogps } from './logps.ts';

refuseLeaks();

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const lengths = [
  [3, 4, 2],
  [5, 9, 6],
  [2, 3, 12],
  [7, 2, 2],
  [4, 5, 5],
  [1, 8, 3],
] as const;
const heldOut = [
  [3, 6, 2],
  [2, 4, 7],
  [4, 2, 5],
] as const;

function recipeOf(fields: Partial<Recipe>): Recipe {
  return {
    ...defaultRecipe(),
    rank: 4,
    lr: 1e-2,
    batch_size: 2,
    grad_accum: 2,
    eval_steps: 2,
    dtype: 'f32',
    ...fields,
  };
}

const rowsFor = ({ objective }: Recipe, of: typeof lengths | typeof heldOut = lengths, seed = 3): TokenRows =>
  randomPreferences(objective as PreferenceObjectiveName, of, { seed });

interface RunOptions {
  streaming?: Streaming;
  on?: Gpu;
  resume?: CheckpointData;
}

async function run(recipe: Recipe, { streaming = resident, on = gpu, resume }: RunOptions = {}) {
  const files = await openModelFiles(
    tinyModel({ dtype: 'BF16', config: { vocab_size: 150, num_hidden_layers: 3 } }),
  );
  const spillFolder = new MemoryDirectory('spill');
  const { memory } = on;
  memory.resetPeak();
  const before = memory.bytes;
  const decoder = await openDecoder(on, files, 'f32', {
    quantize: quantizationOf(recipe),
    head: headOf(recipe),
    streaming,
    spillFolder,
  });
  const adapter = await startTraining(decoder, recipe, null);
  const reports: StepReport[] = [];
  const evals: number[] = [];
  const saved = new Map<number, CheckpointData>();
  let once = false;
  await train({
    decoder,
    adapter,
    recipe,
    dataset: rowsFor(recipe),
    evalDataset: rowsFor(recipe, heldOut, 8),
    resume: resume ?? null,
    checkpoints: {
      seconds: 1e6,
      model: 'tiny',
      save: async (data) => void saved.set(data.step, await copyOf(data)),
    },
    onReferences: () => (once = true),
    onStep: (report) => reports.push(report),
    onEval: (_, loss) => evals.push(loss),
    shouldStop: () => false,
  });
  const params = await readBuffers(on, adapter.params);
  const total = memory.peak - before;
  adapter.dispose();
  closeDecoder(decoder);
  await decoder.spill?.dispose();
  return { reports, evals, params, saved, once, total, files };
}

const objectives: [string, Partial<Recipe>][] = [
  ['DPO', { objective: 'dpo' }],
  ['DPO with the reference at each step', { objective: 'dpo', epochs: 1 }],
  ['IPO in 4 bits', { objective: 'dpo', dpo_loss: 'ipo', method: 'qlora' }],
  ['ORPO', { objective: 'orpo', dropout: 0.1 }],
  ['SimPO, packed', { objective: 'simpo', packing: true, max_length: 24 }],
  ['CPO', { objective: 'cpo', kept_inputs: '8bit' }],
  ['KTO', { objective: 'kto' }],
];

describe.each(objectives)('%s', (_, fields) => {
  const recipe = recipeOf({ epochs: 3, checkpoint_steps: 1, ...fields });

  it('resumes bit for bit', async () => {
    const whole = await run(recipe);
    const steps = whole.reports.length;
    expect(steps).toBeGreaterThan(1);
    expect(whole.reports.every(({ loss, rewards }) => Number.isFinite(loss) && rewards !== undefined)).toBe(
      true,
    );
    expect(whole.evals.every(Number.isFinite)).toBe(true);
    expect(whole.once).toBe(recipe.objective === 'dpo' && recipe.epochs > 1);
    const rest = await run(recipe, { resume: whole.saved.get(1)! });
    expect(rest.reports).toEqual(whole.reports.slice(1));
    expect(rest.params).toEqual(whole.params);
  });

  it('gives the bits of resident weights from disk', async () => {
    // A vocabulary of two parts.
    const on = withMaxBinding(gpu, 128 * 32 * 4);
    const { reports, evals, params } = await run(recipe, { on });
    for (const streaming of [
      { slots: 1, ends: true, spill: true },
      { slots: 2, ends: false, spill: false },
    ])
      expect(await run(recipe, { on, streaming })).toMatchObject({ reports, evals, params });
  });

  it('takes the memory of its plan', async () => {
    const { total, files } = await run(recipe);
    const data = {
      train: rowShapes(rowsFor(recipe)),
      evaluation: rowShapes(rowsFor(recipe, heldOut, 8)),
    };
    const plan = await planMemory(files, recipe, gpu, data);
    expect(plan.total).toBe(total);
    expect(plan.reference?.when ?? null).toBe(
      recipe.objective === 'kto'
        ? 'step'
        : recipe.objective !== 'dpo'
          ? null
          : recipe.epochs > 1
            ? 'once'
            : 'step',
    );
    // Without data, rows are as long as they may be.
    const longest = { ...recipe, max_length: 24 };
    const without = await planMemory(files, longest, gpu, null);
    const measured = await measureMemory(gpu, files, longest, null);
    expect({ total: without.total, parts: without.parts }).toEqual({
      total: measured.total,
      parts: measured.parts,
    });
  });
});

it('takes no second copy of the weights', async () => {
  const files = await openModelFiles(tinyModel());
  const recipe = recipeOf({ objective: 'dpo' });
  const pairs = rowsFor(recipe);
  // The same sequences, one a row.
  const sequences = tokenRowsOf(
    lengths.flatMap((_, row) =>
      sequencesOf(pairs, row).map(({ start, end }) => ({
        ids: pairs.ids.subarray(start, end),
        labels: pairs.labels.subarray(start, end),
      })),
    ),
  );
  const dpo = await planMemory(files, recipe, gpu, { train: rowShapes(pairs), evaluation: null });
  const sft = await planMemory(files, recipeOf({ batch_size: 4, shuffle: false }), gpu, {
    train: rowShapes(sequences),
    evaluation: null,
  });
  for (const part of ['weights', 'adapter', 'gradients', 'optimizer'] as const)
    expect(dpo.parts[part], part).toBe(sft.parts[part]);
});

describe('the gradient of a step', () => {
  it.each<[string, Partial<Recipe>]>([
    ['DPO', { objective: 'dpo' }],
    ['ORPO', { objective: 'orpo' }],
    ['SimPO', { objective: 'simpo', beta: 2 }],
    ['CPO', { objective: 'cpo' }],
    ['KTO', { objective: 'kto' }],
    ['DPO with the head trained in full', { objective: 'dpo', modules_to_save: ['lm_head'] }],
    ['DPO with LoRA on the head', { objective: 'dpo', targets: ['q_proj', 'lm_head'] }],
  ])('is that of its answers, each by its slope: %s', async (_, fields) => {
    const recipe = recipeOf(fields);
    const objective = objectiveOf(recipe)!;
    const files = await openModelFiles(tinyModel());
    const decoder = await openDecoder(gpu, files, 'f32');
    const adapter = await startTraining(decoder, recipe, null);
    if (adapter instanceof LoraAdapter) randomizeAdapter(adapter);
    const runner = new StepRunner(decoder, adapter, 'adamw', 'f32', new PreferenceObjective(objective));
    const rows = rowsFor(recipe);
    const batches = [
      [[0], [1]],
      [[2], [4]],
    ].map((batch) => buildMicroBatch(rows, batch));
    const { lossSum, lossCount, gradNorm } = await runner.run(batches, { p: 0, seeds: [] }, null);
    const found = await readBuffers(gpu, runner.grads);
    const use = { adapter, strength: 1, dropout: null };
    const wanted = new Float64Array(found.length);
    let loss = 0;
    for (const batch of batches) {
      const judgment = await judgeBatch(decoder, use, batch, objective);
      loss += judgment.loss / batches.length;
      for (const [i, { promptStart, start, end }] of batch.preference!.answers.entries()) {
        for (const [from, to, slope] of [
          [promptStart, start, judgment.promptSlope],
          [start, end, judgment.slopes[i]!],
        ] as const) {
          if (from === to) continue;
          const alone = {
            ...batch,
            targetRows: batch.targetRows.slice(from, to),
            targetIds: batch.targetIds.slice(from, to),
          };
          const { grads } = await lossesAndGrads(decoder, adapter, alone);
          // Of a mean of −log p.
          grads.forEach((value, at) => (wanted[at]! += (-slope * (to - from) * value) / batches.length));
        }
      }
    }
    runner.dispose();
    adapter.dispose();
    closeDecoder(decoder);
    expect(Math.abs(lossSum / lossCount / loss - 1)).toBeLessThan(1e-6);
    const norm = Math.hypot(...wanted);
    const error = Math.hypot(...wanted.map((value, i) => value - found[i]!)) / norm;
    console.info(`${JSON.stringify(fields)}: gradient off by ${error.toExponential(1)} of its norm`);
    expect(error).toBeLessThan(1e-5);
    expect(Math.abs(gradNorm / norm - 1)).toBeLessThan(1e-5);
  });
});

it('the reference is the base model, and at the first step nothing differs from it', async () => {
  const recipe = recipeOf({ objective: 'dpo', epochs: 1, warmup_steps: 0, batch_size: 1 });
  const { reports } = await run(recipe);
  expect(reports[0]).toMatchObject({
    loss: expect.closeTo(Math.LN2, 6) as number,
    rewards: { chosen: 0, rejected: 0, margin: 0, accuracy: 0 },
  });
  expect(reports.at(-1)!.rewards!.margin).not.toBe(0);
});

it('log-probabilities are sums over answers', async () => {
  const recipe = recipeOf({ objective: 'dpo' });
  const decoder = await openDecoder(gpu, await openModelFiles(tinyModel()), 'f32');
  const rows = rowsFor(recipe);
  const together = await answerLogps(decoder, withoutAdapter, [buildMicroBatch(rows, [[0], [1], [2]])]);
  for (const row of [0, 1, 2]) {
    const [alone] = await answerLogps(decoder, withoutAdapter, [buildMicroBatch(rows, [[row]])]);
    alone!.forEach(({ logp, tokens }, i) => {
      expect(tokens).toBe(lengths[row]![1 + i]);
      expect(together[0]![2 * row + i]!.logp / logp).toBeCloseTo(1, 5);
    });
  }
  closeDecoder(decoder);
});
