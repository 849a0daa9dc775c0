import { mayHoldOut } from '../../base/config/evaluationSplit.ts';
import type { Recipe } from '../../base/config/recipe.ts';
import { cutShapes, type RowShapes } from '../../content/data/tokens/rowShapes.ts';
import { shapesOf, type TrainRows } from '../../content/data/tokens/trainRows.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { completionRoom, shapesWithCompletions } from './grpo/completionShapes.ts';
import { stepsOf } from './steps.ts';

/** Rows looked at before what is left of a long run is taken to be like it: each pass has its longest rows first. */
const MAX_ROWS = 200_000;

/** The shapes of the rows of a run: trained on, and set aside. */
export interface DataShapes {
  train: RowShapes;
  evaluation: RowShapes | null;
}

/** The shapes of tokenized rows as a run has them. */
export function dataShapes(rows: { train: TrainRows; evaluation: TrainRows | null }): DataShapes {
  return { train: shapesOf(rows.train), evaluation: rows.evaluation && shapesOf(rows.evaluation) };
}

/**
 * The sizes of a run's micro-batches that decide its memory: scratch grows to the largest of each and stays, so the
 * two maxima may come from different micro-batches.
 */
export interface LargestBatch {
  tokens: number;
  targets: number;
  /** Whether losses have weights. */
  weighted: boolean;
  /** The micro-batches they come from, as rows of the data; none where there is no data. */
  from: number[][][];
}

/**
 * The largest micro-batch of training. Without data, every row is as long as it may be and all of it a target.
 * Throws `train.no_rows`.
 */
export function largestTraining(recipe: Recipe, maxPositions: number, data: DataShapes | null): LargestBatch {
  if (!data) return fullBatch(recipe, maxPositions);
  const rows = cutShapes(data.train, rowLimit(recipe, maxPositions));
  if (rows.tokens.length === 0) throw new GraftError('train.no_rows');
  const passed = passedShapes(recipe, rows, rowLimit(recipe, maxPositions));
  const plan = stepsOf(recipe, rows.tokens);
  const looked = Math.ceil(MAX_ROWS / (recipe.batch_size * recipe.grad_accum));
  // Without shuffling all passes are the same.
  const steps = recipe.shuffle ? Math.max(plan.stepsPerEpoch, looked) : plan.stepsPerEpoch;
  return largestOf(
    passed,
    microBatches(Math.min(plan.steps, steps), (step) => plan.step(step)),
  );
}

/** The first micro-batches of a run, by their sizes; without data it is the largest. Throws `train.no_rows`. */
export function firstBatches(
  recipe: Recipe,
  maxPositions: number,
  data: DataShapes | null,
  most: number,
): Omit<LargestBatch, 'from'>[] {
  if (!data) return [fullBatch(recipe, maxPositions)];
  const rows = cutShapes(data.train, rowLimit(recipe, maxPositions));
  if (rows.tokens.length === 0) throw new GraftError('train.no_rows');
  const passed = passedShapes(recipe, rows, rowLimit(recipe, maxPositions));
  const plan = stepsOf(recipe, rows.tokens);
  const first: LargestBatch[] = [];
  for (const batch of microBatches(plan.steps, (step) => plan.step(step))) {
    first.push(largestOf(passed, [batch]));
    if (first.length >= most) break;
  }
  return first;
}

/** The largest micro-batch of an evaluation; null where no rows are set aside. */
export function largestEvaluation(
  recipe: Recipe,
  maxPositions: number,
  data: DataShapes | null,
): LargestBatch | null {
  // Prompts are completed to be evaluated.
  if (recipe.objective === 'grpo') return null;
  // Rows are never packed to be evaluated.
  if (!data) return mayHoldOut(recipe) ? fullBatch({ ...recipe, packing: false }, maxPositions) : null;
  if (!data.evaluation) return null;
  const rows = cutShapes(data.evaluation, rowLimit(recipe, maxPositions));
  const { batch_size: size } = recipe;
  const count = rows.tokens.length;
  const batch = (i: number) => {
    const length = Math.min(size, count - i * size);
    return [[Array.from({ length }, (_, row) => i * size + row)]];
  };
  return largestOf(rows, microBatches(Math.ceil(count / size), batch));
}

/** What of rows passes the model in training: themselves, or with GRPO their completions. */
function passedShapes(recipe: Recipe, rows: RowShapes, limit: number): RowShapes {
  return recipe.objective === 'grpo' ? shapesWithCompletions(rows, recipe, limit) : rows;
}

/** The lengths of all prompts that a run completes. */
export function promptsOf({ train, evaluation }: DataShapes): Uint32Array[] {
  return [train.tokens, ...(evaluation ? [evaluation.tokens] : [])];
}

/** Tokens a row may have. */
export function rowLimit(recipe: Recipe, maxPositions: number): number {
  return Math.min(recipe.max_length, maxPositions);
}

/** How many rows of the maximal length make a micro-batch. */
export function fullRows(recipe: Recipe, maxPositions: number): { rows: number; length: number } {
  const length = rowLimit(recipe, maxPositions);
  const { batch_size: rows, packing, max_length } = recipe;
  const perBin = Math.max(1, Math.floor(max_length / (length * sequencesOfRow(recipe))));
  return { rows: packing ? rows * perBin : rows, length };
}

function fullBatch(recipe: Recipe, maxPositions: number): LargestBatch {
  const { rows, length } = fullRows(recipe, maxPositions);
  const sequences = rows * sequencesOfRow(recipe);
  const targets = recipe.objective === 'grpo' ? completionRoom(recipe, 1, length) : length - 1;
  return { tokens: sequences * length, targets: sequences * targets, weighted: false, from: [] };
}

/** Sequences that an objective passes of a row: both of a pair, all completions of a prompt. */
export function sequencesOfRow({
  objective,
  num_generations,
}: Pick<Recipe, 'objective' | 'num_generations'>): number {
  if (objective === 'grpo') return num_generations;
  return objective === 'sft' || objective === 'kto' ? 1 : 2;
}

function* microBatches(steps: number, step: (i: number) => number[][][]): Generator<number[][]> {
  for (let i = 0; i < steps; i++) yield* step(i);
}

function largestOf({ tokens, targets, weighted }: RowShapes, batches: Iterable<number[][]>): LargestBatch {
  const largest = { tokens: 0, targets: 0 };
  let longest: number[][] = [];
  let fullest: number[][] = [];
  for (const batch of batches) {
    let [length, count] = [0, 0];
    for (const rows of batch) {
      for (const row of rows) {
        length += tokens[row]!;
        count += targets[row]!;
      }
    }
    if (length > largest.tokens) [largest.tokens, longest] = [length, batch];
    if (count > largest.targets) [largest.targets, fullest] = [count, batch];
  }
  return { ...largest, weighted, from: [...new Set([longest, fullest])].filter((batch) => batch.length > 0) };
}
