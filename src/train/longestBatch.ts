import type { Recipe } from '../config/recipe.ts';
import { buildMicroBatch } from '../data/microBatch.ts';
import type { TokenRows } from '../data/tokenRows.ts';
import { GraftError } from '../lib/errors.ts';
import type { Decoder } from '../model/decoder.ts';
import type { Trainable } from '../model/trainable.ts';
import { lossesOf } from './evaluate.ts';
import { dataShapes, largestEvaluation, largestTraining } from './largestBatch.ts';
import type { StepRunner } from './trainStep.ts';

interface Run {
  decoder: Decoder;
  adapter: Trainable;
  recipe: Recipe;
  dataset: TokenRows;
  evalDataset: TokenRows | null;
}

/**
 * Computes the gradients of the largest micro-batches of a run, which nothing uses, so that memory runs out now or never.
 * @param first the micro-batches of the step that comes next, which need not come twice
 */
export async function runLongest(
  { decoder, adapter, recipe, dataset, evalDataset }: Run,
  runner: StepRunner,
  first: readonly number[][][],
): Promise<void> {
  const { maxPositions } = decoder.spec;
  const shapes = dataShapes({ train: dataset, evaluation: evalDataset });
  const training = largestTraining(recipe, maxPositions, shapes);
  const known = new Set(first.map((batch) => JSON.stringify(batch)));
  const longest = training.from.filter((batch) => !known.has(JSON.stringify(batch)));
  const p = recipe.dropout;
  if (longest.length > 0) {
    const batches = longest.map((rows) => buildMicroBatch(dataset, rows));
    // Micro-batches that pass streamed blocks together are as many as a step has.
    const count = decoder.weights.streams ? Math.max(recipe.grad_accum, batches.length) : batches.length;
    const step = Array.from({ length: count }, (_, i) => batches[i % batches.length]!);
    await runner.gradients(step, { p, seeds: step.map(() => recipe.seed) });
  }
  const evaluation = evalDataset && largestEvaluation(recipe, maxPositions, shapes);
  if (evaluation && evaluation.tokens > training.tokens) {
    const use = { adapter, strength: 1, dropout: null };
    for (const rows of evaluation.from) {
      const batch = buildMicroBatch(evalDataset, rows);
      if (batch.targetRows.length > 0) await lossesOf(decoder, use, batch);
    }
  }
}

/**
 * The same training in smaller pieces: fewer rows in a micro-batch, as many more micro-batches in a step. Null where a
 * micro-batch is one row.
 */
export function smallerBatch({
  batch_size: rows,
  grad_accum,
}: Pick<Recipe, 'batch_size' | 'grad_accum'>): Pick<Recipe, 'batch_size' | 'grad_accum'> | null {
  if (rows === 1) return null;
  let parts = 2;
  while (rows % parts !== 0) parts += 1;
  return { batch_size: rows / parts, grad_accum: grad_accum * parts };
}

/** What to tell where the longest batch does not fit: what to change. Other errors stay what they are. */
export function withSmallerBatch(error: unknown, recipe: Recipe): unknown {
  if (!(error instanceof GraftError) || error.code !== 'gpu.out_of_memory') return error;
  const smaller = smallerBatch(recipe);
  return smaller
    ? new GraftError('train.batch_too_large', { ...smaller }, { cause: error })
    : new GraftError('train.row_too_large', {}, { cause: error });
}
