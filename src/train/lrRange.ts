import type { Recipe } from '../config/recipe.ts';
import { buildMicroBatch } from '../data/microBatch.ts';
import { rowLengths } from '../data/tokenize.ts';
import type { TokenRows } from '../data/tokenRows.ts';
import { byteLengthOf } from '../gpu/tensor.ts';
import { uploadBytes } from '../gpu/transfer.ts';
import { GraftError } from '../lib/errors.ts';
import { createRandom } from '../lib/random.ts';
import type { Decoder } from '../model/decoder.ts';
import type { Trainable } from '../model/trainable.ts';
import { SmoothedLoss, suggestLr, type LrPoint } from './lrSuggestion.ts';
import { ProvenReader } from './provenReader.ts';
import { stepsOf } from './steps.ts';
import { StepRunner } from './trainStep.ts';

/** The sweep ends where the smoothed loss is this many times the lowest: from there on it only explodes. */
const DIVERGED = 4;

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
  dataset: TokenRows;
  sweep?: LrSweep;
  onPoint?(point: LrPoint, total: number): void;
  /** Asked after each step: true ends the sweep with what there is. */
  shouldStop?(): boolean;
}

/** A sweep, and what it speaks for. */
export interface LrRange {
  points: LrPoint[];
  /** Null where the loss never fell. */
  suggestion: { valley: number; steepest: number } | null;
}

/**
 * The lr range test (Smith, 2017): trains a few steps by the recipe, the learning rate growing at each, and looks where
 * the loss falls and where it explodes. Afterwards the parameters are what they were, bit for bit, and nothing else of a
 * run has begun. Throws `train.no_rows`, and how the device failed.
 */
export async function lrRange(options: LrRangeOptions): Promise<LrRange> {
  const { decoder, adapter, recipe, dataset, sweep = defaultSweep } = options;
  const { gpu } = decoder;
  const plan = stepsOf({ ...recipe, max_steps: sweep.steps }, rowLengths(dataset));
  if (plan.steps === 0) throw new GraftError('train.no_rows');
  const reader = new ProvenReader(gpu, Math.max(...adapter.params.map(byteLengthOf)));
  const before: Uint8Array<ArrayBuffer>[] = [];
  try {
    for (const tensor of adapter.params) before.push(await reader.readAll(tensor));
  } finally {
    reader.dispose();
  }
  const runner = new StepRunner(decoder, adapter, recipe.optimizer);
  const dropoutSeeds = createRandom(recipe.seed).fork('lr range');
  const average = new SmoothedLoss();
  const points: LrPoint[] = [];
  try {
    let lowest = Infinity;
    let updates = 0;
    for (let i = 0; i < sweep.steps; i++) {
      const lr = sweep.from * (sweep.to / sweep.from) ** (i / Math.max(1, sweep.steps - 1));
      const batches = plan.step(i).map((rows) => buildMicroBatch(dataset, rows));
      const seeds = batches.map((_, batch) => dropoutSeeds.fork(`${i} ${batch}`).uint32());
      const numbers = await runner.run(
        batches,
        { p: recipe.dropout, seeds },
        adamWOf(recipe, lr, updates + 1),
      );
      const loss = numbers.lossSum / numbers.targets;
      if (!Number.isFinite(loss)) break;
      if (!numbers.skipped) updates += 1;
      const point = { lr, loss, smoothed: average.add(loss) };
      points.push(point);
      options.onPoint?.(point, sweep.steps);
      lowest = Math.min(lowest, point.smoothed);
      if (point.smoothed > DIVERGED * lowest || options.shouldStop?.()) break;
    }
  } finally {
    runner.dispose();
    before.forEach((bytes, i) => uploadBytes(gpu, adapter.params[i]!, bytes));
  }
  return { points, suggestion: suggestLr(points) };
}

function adamWOf(recipe: Recipe, lr: number, step: number) {
  const { beta1, beta2, eps, weight_decay: weightDecay, max_grad_norm: maxGradNorm } = recipe;
  return { lr, beta1, beta2, eps, weightDecay, maxGradNorm, step };
}
