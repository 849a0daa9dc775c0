import type { Recipe } from '../config/recipe.ts';
import { buildMicroBatch } from '../data/microBatch.ts';
import { rowLengths } from '../data/tokenize.ts';
import type { TokenRows } from '../data/tokenRows.ts';
import type { Profile } from '../lib/profile.ts';
import type { Profiler } from '../gpu/profiler.ts';
import { GraftError } from '../lib/errors.ts';
import { createRandom } from '../lib/random.ts';
import type { Decoder } from '../model/decoder.ts';
import type { Trainable } from '../model/trainable.ts';
import { evaluate } from './evaluate.ts';
import { learningRate } from './schedule.ts';
import { stepsOf } from './steps.ts';
import type { StepNumbers } from './optimizer.ts';
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
  /** What is trained: an adapter, or the whole model. */
  adapter: Trainable;
  recipe: Recipe;
  dataset: TokenRows;
  /** Rows kept aside, or null. */
  evalDataset: TokenRows | null;
  onStep(report: StepReport): void;
  onEval(step: number, loss: number): void;
  /** Asked before each step: what takes its times, or null. */
  profiler?(): Profiler | null;
  onProfile?(step: number, profile: Profile): void;
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
  const { commands } = decoder;
  // While the numbers of a step are on their way, the GPU computes the next one's gradients; its update waits for them,
  // since they may say that there is none. What comes from disk keeps pace with the GPU as it is.
  const overlaps = !decoder.weights.streams && !decoder.spill;
  let skippedInARow = 0;
  let updates = 0;
  let next: Promise<BegunStep> | null = null;

  const begin = async (step: number): Promise<BegunStep> => {
    const batches = plan.step(step - 1).map((rows) => buildMicroBatch(dataset, rows));
    const seeds = batches.map((_, i) => dropoutSeeds.fork(`${step - 1} ${i}`).uint32());
    const profiler = options.profiler?.() ?? null;
    commands.profile(profiler);
    const targets = await runner.gradients(batches, { p: recipe.dropout, seeds });
    commands.profile(null);
    const contextTokens = batches.reduce((sum, { tokens }) => sum + tokens.length, 0);
    return { step, lr: learningRate(schedule, step - 1), targets, contextTokens, profiler };
  };

  const update = ({ lr, profiler }: BegunStep): Promise<StepNumbers> => {
    commands.profile(profiler);
    const numbers = runner.update({
      lr,
      beta1: recipe.beta1,
      beta2: recipe.beta2,
      eps: recipe.eps,
      weightDecay: recipe.weight_decay,
      maxGradNorm: recipe.max_grad_norm,
      // A skipped step left m and v as they were, so their bias correction must not move on either.
      step: updates + 1,
    });
    commands.profile(null);
    return numbers;
  };

  try {
    let current = await begin(1);
    for (;;) {
      const { step, lr, targets, contextTokens, profiler } = current;
      const isLast = step === plan.steps;
      const numbers = update(current);
      next = overlaps && !isLast ? begin(step + 1) : null;
      // Told when it is this one's turn.
      next?.catch(() => undefined);
      const { lossSum, gradNorm, skipped } = await numbers;
      if (!skipped) updates += 1;
      skippedInARow = skipped ? skippedInARow + 1 : 0;
      const loss = lossSum / targets;
      const tokens = { tokens: targets, contextTokens };
      options.onStep({ step, totalSteps: plan.steps, loss, gradNorm, lr, ...tokens, skipped });
      if (profiler) options.onProfile?.(step, await profiler.finish());
      if (skippedInARow >= MAX_SKIPPED) throw new GraftError('train.diverged', { step, count: MAX_SKIPPED });
      const stopped = options.shouldStop();
      if (evalDataset && (step % recipe.eval_steps === 0 || isLast || stopped)) {
        // The next step's gradients are recorded, but it has not changed the adapter.
        await next?.catch(() => undefined);
        const use = { adapter, strength: 1, dropout: null };
        options.onEval(step, (await evaluate(decoder, use, evalDataset, recipe.batch_size)).loss);
      }
      if (isLast || stopped) return { steps: step, stopped, finalLoss: loss };
      current = await (next ?? begin(step + 1));
    }
  } finally {
    await next?.catch(() => undefined);
    commands.profile(null);
    runner.dispose();
  }
}

/** A step whose gradients are under way. */
interface BegunStep {
  step: number;
  lr: number;
  targets: number;
  contextTokens: number;
  profiler: Profiler | null;
}

function checkRows(lengths: Uint32Array, positions: number): void {
  if (lengths.length === 0) throw new GraftError('train.no_rows');
  const longest = lengths.reduce((a, b) => Math.max(a, b), 0);
  if (longest > positions) throw new GraftError('train.row_too_long', { length: longest, positions });
}
