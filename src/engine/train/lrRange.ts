import type { Recipe } from '../../base/config/recipe.ts';
import type { MicroBatch } from '../../content/data/tokens/microBatch.ts';
import { lengthsOf, readMicroBatch, type TrainRows } from '../../content/data/tokens/trainRows.ts';
import type { Gpu } from '../gpu/device.ts';
import { byteLengthOf } from '../gpu/tensor.ts';
import { uploadBytes } from '../gpu/transfer.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { createRandom } from '../../base/lib/random.ts';
import type { Decoder } from '../model/decoder/decoder.ts';
import type { Trainable } from '../model/trained/trainable.ts';
import { targetLosses } from './evaluate.ts';
import { changeOf, MovingAverage, suggestLr, type LrPoint, type LrSuggestion } from './lrSuggestion.ts';
import { rowLimit } from './largestBatch.ts';
import { judgeBatch } from './preference/evaluatePreferences.ts';
import { objectiveOf, type ObjectiveSettings } from './preference/judge.ts';
import { PreferenceObjective } from './preference/preferenceObjective.ts';
import { checkObjective } from './checkObjective.ts';
import { ProvenReader } from './provenReader.ts';
import { stepsOf } from './steps.ts';
import { StepRunner } from './trainStep.ts';

/** The sweep ends where the loss has risen to this many times what it was before: from there on it only explodes. */
const DIVERGED = 3;

/** Steps with rows of their own; later ones take the same rows again. Each costs a forward pass before the sweep. */
const DISTINCT_STEPS = 25;

/** What is swept: `steps` rates from `from` to `to`, each the same factor above the one before. */
export interface LrSweep {
  from: number;
  to: number;
  steps: number;
}

/** From where nothing happens to where everything breaks, for adapters and whole models. */
export const defaultSweep: LrSweep = { from: 1e-6, to: 1, steps: 100 };

export interface LrRangeOptions {
  decoder: Decoder;
  adapter: Trainable;
  recipe: Recipe;
  dataset: TrainRows;
  sweep?: LrSweep;
  onPoint?(point: LrPoint, total: number): void;
  /** Asked after each step: true ends the sweep with the points so far. */
  shouldStop?(): boolean;
}

/** A sweep and the rates it suggests. */
export interface LrRange {
  points: LrPoint[];
  /** Null where the loss did not clearly fall. */
  suggestion: LrSuggestion | null;
}

/**
 * The lr range test (Smith, 2017): trains a few steps by the recipe, the learning rate growing at each, and finds where
 * the loss falls and where it explodes. Each loss is compared with that of the same rows before the sweep, so that easy
 * and hard batches do not pass for rises and falls. Afterwards the parameters are what they were, bit for bit, and
 * nothing else of a run has begun. Throws `train.no_rows`, and how the device failed.
 */
export async function lrRange(options: LrRangeOptions): Promise<LrRange> {
  const { decoder, adapter, recipe, dataset, sweep = defaultSweep } = options;
  const { gpu } = decoder;
  const limit = rowLimit(recipe, decoder.spec.maxPositions);
  const objective = objectiveOf(recipe);
  checkObjective(recipe);
  // Its losses are about 0 at every learning rate.
  if (recipe.objective === 'grpo')
    throw new GraftError('train.objective_no_range', { objective: recipe.objective });
  const plan = stepsOf({ ...recipe, max_steps: sweep.steps }, lengthsOf(dataset));
  if (plan.steps === 0) throw new GraftError('train.no_rows');
  const batchesOf = (step: number) =>
    Promise.all(plan.step(step % DISTINCT_STEPS).map((rows) => readMicroBatch(dataset, rows, limit)));
  const saved = await readParameters(gpu, adapter);
  const before: number[] = [];
  for (let step = 0; step < Math.min(sweep.steps, DISTINCT_STEPS) && !options.shouldStop?.(); step++)
    before.push(await lossOf(decoder, adapter, await batchesOf(step), objective));
  const mean = before.reduce((a, b) => a + b, 0) / before.length;
  const preference = objective && new PreferenceObjective(objective);
  const runner = new StepRunner(decoder, adapter, recipe.optimizer, recipe.kept_inputs, preference);
  const dropoutSeeds = createRandom(recipe.seed).fork('lr range');
  const average = new MovingAverage();
  const points: LrPoint[] = [];
  try {
    let updates = 0;
    for (let i = 0; i < sweep.steps && !options.shouldStop?.(); i++) {
      const lr = sweep.from * (sweep.to / sweep.from) ** (i / Math.max(1, sweep.steps - 1));
      const batches = await batchesOf(i);
      const seeds = batches.map((_, batch) => dropoutSeeds.fork(`${i} ${batch}`).uint32());
      const dropout = { p: recipe.dropout, noiseAlpha: recipe.neftune_noise_alpha, seeds };
      const numbers = await runner.run(batches, dropout, adamWOf(recipe, lr, updates + 1));
      const loss = numbers.lossSum / numbers.lossCount;
      if (!Number.isFinite(loss)) break;
      if (!numbers.skipped) updates += 1;
      const change = changeOf(loss, before[i % DISTINCT_STEPS]!, mean);
      const point = { lr, loss, change, smoothed: average.add(change) };
      points.push(point);
      options.onPoint?.(point, sweep.steps);
      if (point.smoothed > DIVERGED - 1) break;
    }
  } finally {
    runner.dispose();
    saved.forEach((bytes, i) => uploadBytes(gpu, adapter.params[i]!, bytes));
  }
  return { points, suggestion: suggestLr(points) };
}

async function readParameters(gpu: Gpu, adapter: Trainable): Promise<Uint8Array<ArrayBuffer>[]> {
  const reader = new ProvenReader(gpu, Math.max(...adapter.params.map(byteLengthOf)));
  try {
    const bytes: Uint8Array<ArrayBuffer>[] = [];
    for (const tensor of adapter.params) bytes.push(await reader.readAll(tensor));
    return bytes;
  } finally {
    reader.dispose();
  }
}

/** The loss of a step, its mean over all targets, or of the objective over its micro-batches, without a step. */
async function lossOf(
  decoder: Decoder,
  adapter: Trainable,
  batches: readonly MicroBatch[],
  objective: ObjectiveSettings | null,
): Promise<number> {
  const use = { adapter, strength: 1, dropout: null };
  let sum = 0;
  let targets = 0;
  if (objective) {
    for (const batch of batches) sum += (await judgeBatch(decoder, use, batch, objective)).loss;
    return sum / batches.length;
  }
  for (const batch of batches) {
    if (batch.targetRows.length === 0) continue;
    const losses = await targetLosses(decoder, use, batch);
    sum += losses.reduce((a, b) => a + b, 0);
    targets += losses.length;
  }
  return sum / targets;
}

function adamWOf(recipe: Recipe, lr: number, step: number) {
  const { beta1, beta2, eps, weight_decay: weightDecay, max_grad_norm: maxGradNorm } = recipe;
  return { lr, beta1, beta2, eps, weightDecay, maxGradNorm, step };
}
