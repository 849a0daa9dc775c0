import type { Recipe } from '../../base/config/recipe.ts';
import { buildMicroBatch } from '../../content/data/tokens/microBatch.ts';
import { readMicroBatch, rowsInMemory } from '../../content/data/tokens/trainRows.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { longestGeneration } from './grpo/completionShapes.ts';
import { dataShapes, largestEvaluation, largestTraining, promptsOf, rowLimit } from './largestBatch.ts';
import { evaluateBatch } from './preference/evaluatePreferences.ts';
import { objectiveOf } from './preference/judge.ts';
import type { TrainOptions } from './trainOptions.ts';
import type { StepRunner } from './trainStep.ts';

type LongestOptions = Pick<TrainOptions, 'decoder' | 'adapter' | 'recipe' | 'dataset' | 'evalDataset'>;

/**
 * Computes the gradients of the largest micro-batches of a run, whose gradients are not used, so that memory runs out now or never.
 * @param first the micro-batches of the step that comes next, which need not run twice
 */
export async function runLongest(
  { decoder, adapter, recipe, dataset, evalDataset }: LongestOptions,
  runner: StepRunner,
  first: readonly number[][][],
): Promise<void> {
  const { maxPositions } = decoder.spec;
  const limit = rowLimit(recipe, maxPositions);
  const objective = objectiveOf(recipe);
  const shapes = dataShapes({ train: dataset, evaluation: evalDataset });
  const training = largestTraining(recipe, maxPositions, shapes);
  const known = new Set(first.map((batch) => JSON.stringify(batch)));
  const grpo = recipe.objective === 'grpo' ? await import('./grpo/index.ts') : null;
  // What is sampled is hardly ever as long as it may be.
  const longest = training.from.filter((batch) => grpo || !known.has(JSON.stringify(batch)));
  const p = recipe.dropout;
  if (longest.length > 0) {
    const batches = await Promise.all(
      longest.map((rows) =>
        grpo
          ? grpo.longestCompletionBatch(rowsInMemory(dataset, recipe.objective), rows.flat(), recipe, limit)
          : readMicroBatch(dataset, rows, limit),
      ),
    );
    // Micro-batches that pass streamed blocks together are as many as a step has.
    const count = decoder.weights.streams ? Math.max(recipe.grad_accum, batches.length) : batches.length;
    const step = Array.from({ length: count }, (_, i) => batches[i % batches.length]!);
    await runner.gradients(step, { p, seeds: step.map(() => recipe.seed) });
  }
  if (grpo) {
    const use = { adapter, strength: 1, dropout: null };
    return grpo.reserveGeneration(decoder, use, longestGeneration(promptsOf(shapes), recipe, limit));
  }
  const evaluation = evalDataset && largestEvaluation(recipe, maxPositions, shapes);
  if (evaluation && evaluation.tokens > training.tokens) {
    const use = { adapter, strength: 1, dropout: null };
    for (const rows of evaluation.from) {
      const batch = buildMicroBatch(evalDataset, rows, limit);
      await evaluateBatch(decoder, use, batch, objective);
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

/** The error to report where the longest batch does not fit, which says what to change; other errors pass through. */
export function withSmallerBatch(error: unknown, recipe: Recipe): unknown {
  if (!(error instanceof GraftError) || error.code !== 'gpu.out_of_memory') return error;
  const smaller = smallerBatch(recipe);
  return smaller
    ? new GraftError('train.batch_too_large', { ...smaller }, { cause: error })
    : new GraftError('train.row_too_large', {}, { cause: error });
}
