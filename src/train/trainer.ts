import type { Recipe } from '../config/recipe.ts';
import { buildMicroBatch } from '../data/microBatch.ts';
import { rowLengths } from '../data/tokenize.ts';
import type { TokenRows } from '../data/tokenRows.ts';
import { GraftError } from '../lib/errors.ts';
import { createRandom } from '../lib/random.ts';
import type { Decoder } from '../model/decoder.ts';
import type { LoraAdapter } from '../model/loraAdapter.ts';
import { evaluate } from './evaluate.ts';
import { learningRate } from './schedule.ts';
import { stepsOf } from './steps.ts';
import { StepRunner } from './trainStep.ts';

/** Steps in a row with a gradient that is not finite, after which going on is pointless. */
const MAX_SKIPPED = 5;

/** What one optimizer step did. */
export interface StepReport {
  /** From 1. */
  step: number;
  totalSteps: number;
  /** Mean over the step's targets, before the update. */
  loss: number;
  /** Before clipping. */
  gradNorm: number;
  lr: number;
  /** Supervised tokens. */
  tokens: number;
  /** All tokens that ran through the model. */
  contextTokens: number;
  /** The gradient was not finite and the step changed nothing. */
  skipped: boolean;
}

export interface TrainOptions {
  decoder: Decoder;
  adapter: LoraAdapter;
  recipe: Recipe;
  dataset: TokenRows;
  /** Rows kept aside, or null. */
  evalDataset: TokenRows | null;
  onStep(report: StepReport): void;
  onEval(step: number, loss: number): void;
  /** Asked after each step: true ends the run and keeps the adapter. */
  shouldStop(): boolean;
}

/**
 * Runs a recipe. The same recipe, data, weights and adapter (the GPU's) give the same bits.
 * Throws `train.no_rows`, `train.row_too_long`, `train.diverged`.
 * @returns optimizer steps done, and the loss of the last
 */
export async function train(
  options: TrainOptions,
): Promise<{ steps: number; stopped: boolean; finalLoss: number }> {
  const { decoder, adapter, recipe, dataset, evalDataset } = options;
  const lengths = rowLengths(dataset);
  checkRows(lengths, decoder.spec.maxPositions);
  const plan = stepsOf(recipe, lengths);
  const schedule = {
    name: recipe.schedule,
    lr: recipe.lr,
    warmupSteps: recipe.warmup_steps,
    totalSteps: plan.steps,
  };
  const dropoutSeeds = createRandom(recipe.seed).fork('dropout');
  const runner = new StepRunner(decoder, adapter, recipe.optimizer);
  let skippedInARow = 0;
  let updates = 0;
  let finalLoss = Number.NaN;
  let step = 0;
  let stopped = false;
  try {
    while (step < plan.steps && !stopped) {
      const batches = plan.step(step).map((rows) => buildMicroBatch(dataset, rows));
      const seeds = batches.map((_, i) => dropoutSeeds.fork(`${step} ${i}`).uint32());
      const lr = learningRate(schedule, step);
      step += 1;
      const { lossSum, gradNorm, skipped, targets } = await runner.run(
        batches,
        { p: recipe.dropout, seeds },
        {
          lr,
          beta1: recipe.beta1,
          beta2: recipe.beta2,
          eps: recipe.eps,
          weightDecay: recipe.weight_decay,
          maxGradNorm: recipe.max_grad_norm,
          // A skipped step left m and v as they were, so their bias correction must not move on either.
          step: updates + 1,
        },
      );
      if (!skipped) updates += 1;
      finalLoss = lossSum / targets;
      skippedInARow = skipped ? skippedInARow + 1 : 0;
      const contextTokens = batches.reduce((sum, b) => sum + b.tokens.length, 0);
      options.onStep({
        step,
        totalSteps: plan.steps,
        loss: finalLoss,
        gradNorm,
        lr,
        tokens: targets,
        contextTokens,
        skipped,
      });
      if (skippedInARow >= MAX_SKIPPED) throw new GraftError('train.diverged', { step, count: MAX_SKIPPED });
      stopped = options.shouldStop();
      if (evalDataset && (step % recipe.eval_steps === 0 || step === plan.steps || stopped)) {
        const use = { adapter, strength: 1, dropout: null };
        options.onEval(step, (await evaluate(decoder, use, evalDataset, recipe.batch_size)).loss);
      }
    }
    return { steps: step, stopped, finalLoss };
  } finally {
    runner.dispose();
  }
}

function checkRows(lengths: Uint32Array, positions: number): void {
  if (lengths.length === 0) throw new GraftError('train.no_rows');
  const longest = lengths.reduce((a, b) => Math.max(a, b), 0);
  if (longest > positions) throw new GraftError('train.row_too_long', { length: longest, positions });
}
