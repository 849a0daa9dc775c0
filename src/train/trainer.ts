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
import type { CheckpointData } from '../runs/types.ts';
import { checkEvaluation, noteEvaluation, ranOutOfPatience } from './evalTracker.ts';
import { evaluate } from './evaluate.ts';
import { runLongest, withSmallerBatch } from './longestBatch.ts';
import type { RunProgress } from './progress.ts';
import { learningRate } from './schedule.ts';
import { noteStep, spikeLimits, type SpikeLimits } from './spikeGuard.ts';
import { changeRank, growing, rankAt } from './rankSchedule.ts';
import { stepsOf } from './steps.ts';
import type { StepNumbers } from './optimizer.ts';
import { RunState } from './runState.ts';
import { StepRunner } from './trainStep.ts';

/** Steps in a row with a gradient that is not finite, after which going on is pointless. */
const MAX_SKIPPED = 5;

/** What one optimizer step did. */
export interface StepReport {
  /** From 1. */
  step: number;
  totalSteps: number;
  /** Mean over the step's targets, each times its weight, before the update. */
  loss: number;
  /** Before clipping. */
  gradNorm: number;
  lr: number;
  /** Supervised tokens. */
  tokens: number;
  /** All tokens that ran through the model. */
  contextTokens: number;
  /** The gradient was not finite, or the step a spike, and it changed nothing. */
  skipped: boolean;
  /** Loss or gradient norm were far above those of the steps before: the spike guard left the step out. */
  spike: boolean;
}

/** Where a run is saved to. */
export interface Checkpoints {
  /** Seconds between two checkpoints; the recipe's `checkpoint_steps` come besides, the best evaluations', and one at the end. */
  seconds: number;
  /** Which weights are trained on: a commit, or what else tells them from others. */
  model: string;
  /**
   * Stores a checkpoint; training waits. Files are views of the GPU's memory, to be read before it resolves. What it
   * throws ends the run.
   */
  save(data: CheckpointData): Promise<void>;
  /** Asked after each step: true saves at once, whatever the clock says. */
  wanted?(): boolean;
}

export interface TrainOptions {
  decoder: Decoder;
  /** What is trained: an adapter, or the whole model. */
  adapter: Trainable;
  recipe: Recipe;
  dataset: TokenRows;
  /** Rows kept aside, or null. */
  evalDataset: TokenRows | null;
  checkpoints?: Checkpoints | null;
  /** A checkpoint that the run goes on from, which `checkpoints` must be given with. */
  resume?: CheckpointData | null;
  onStep(report: StepReport): void;
  onEval(step: number, loss: number): void;
  /** Called after a step was saved in its turn; training waits, and the adapter may be used. */
  onCheckpoint?(step: number): Promise<void>;
  /** Asked before each step: what takes its times, or null. */
  profiler?(): Profiler | null;
  onProfile?(step: number, profile: Profile): void;
  /** Asked after each step: true ends the run and keeps the adapter. */
  shouldStop(): boolean;
}

/** How a run ended. */
export interface TrainOutcome {
  /** Optimizer steps done, also those before it was resumed. */
  steps: number;
  /** Ended by `shouldStop`, before the last step. */
  stopped: boolean;
  /** Evaluations stopped getting better. */
  stoppedEarly: boolean;
  /** Of the last step. */
  finalLoss: number;
  /** The lowest evaluation loss, where there was one. */
  best: RunProgress['best'];
  /** The step whose parameters are kept: the last, or with the recipe's `load_best` that of the lowest evaluation loss. */
  keptStep: number;
}

/**
 * Runs a recipe. The same recipe, data, weights and adapter (the GPU's) give the same bits, also where the run is
 * resumed in between.
 * Throws `train.no_rows`, `train.no_eval_rows`, `train.row_too_long`, `train.batch_too_large`, `train.row_too_large`, `train.diverged`, `train.not_finite`,
 * `train.resume_*`, and what saving throws.
 */
export async function train(options: TrainOptions): Promise<TrainOutcome> {
  const { decoder, adapter, recipe, dataset, evalDataset } = options;
  const lengths = rowLengths(dataset);
  checkRows(lengths, decoder.spec.maxPositions);
  checkEvaluation(recipe, evalDataset !== null);
  const plan = stepsOf(recipe, lengths);
  const schedule = {
    name: recipe.schedule,
    lr: recipe.lr,
    warmupSteps: recipe.warmup_steps,
    totalSteps: plan.steps,
  };
  const dropoutSeeds = createRandom(recipe.seed).fork('dropout');
  const grows = growing(adapter, recipe);
  if (grows) await changeRank(grows, rankAt(recipe, Math.max(1, options.resume?.step ?? 1)), recipe.seed);
  const runner = new StepRunner(decoder, adapter, recipe.optimizer);
  const { commands } = decoder;
  // While the numbers of a step are on their way, the GPU computes the next one's gradients; its update waits for them,
  // since they may say that there is none. What comes from disk keeps pace with the GPU as it is.
  const overlaps = !decoder.weights.streams && !decoder.spill;
  let next: Promise<BegunStep> | null = null;

  const begin = async (step: number): Promise<BegunStep> => {
    const rank = rankAt(recipe, step);
    if (grows && grows.modules[0]!.rank !== rank) await runner.changeRank(grows, rank, recipe.seed);
    const batches = plan.step(step - 1).map((rows) => buildMicroBatch(dataset, rows));
    const seeds = batches.map((_, i) => dropoutSeeds.fork(`${step - 1} ${i}`).uint32());
    const profiler = options.profiler?.() ?? null;
    commands.profile(profiler);
    const targets = await runner.gradients(batches, { p: recipe.dropout, seeds });
    commands.profile(null);
    const contextTokens = batches.reduce((sum, { tokens }) => sum + tokens.length, 0);
    return { step, lr: learningRate(schedule, step - 1), targets, contextTokens, profiler };
  };

  /** The first step on this device, once the run's longest batch has shown that it fits. */
  const beginFirst = async (step: number): Promise<BegunStep> => {
    try {
      await runLongest(options, runner, plan.step(step - 1));
      const begun = await begin(step);
      await runner.checkMemory();
      return begun;
    } catch (error) {
      throw withSmallerBatch(error, recipe);
    }
  };

  const update = (
    { lr, profiler, targets }: BegunStep,
    updates: number,
    limits: SpikeLimits | null,
  ): Promise<StepNumbers> => {
    commands.profile(profiler);
    const adamW = {
      lr,
      beta1: recipe.beta1,
      beta2: recipe.beta2,
      eps: recipe.eps,
      weightDecay: recipe.weight_decay,
      maxGradNorm: recipe.max_grad_norm,
      // A skipped step left m and v as they were, so their bias correction must not move on either.
      step: updates + 1,
    };
    const numbers = runner.update(
      adamW,
      limits && { lossSum: limits.loss * targets, gradNorm: limits.gradNorm },
    );
    commands.profile(null);
    return numbers;
  };

  try {
    const state = await RunState.open(options, runner);
    const { progress } = state;
    const ended = () => progress.step >= plan.steps || ranOutOfPatience(progress, recipe);
    let stopped = false;
    let lastIsBest = false;
    let current = ended() ? null : await beginFirst(progress.step + 1);
    while (current) {
      const { step, lr, targets, contextTokens, profiler } = current;
      const isLast = step === plan.steps;
      const limits = spikeLimits(progress.window, recipe.spike_guard);
      const numbers = update(current, progress.updates, limits);
      const staysAsItIs = rankAt(recipe, step) === rankAt(recipe, step + 1);
      next = overlaps && !isLast && staysAsItIs ? begin(step + 1) : null;
      // Told when it is this one's turn.
      next?.catch(() => undefined);
      const { lossSum, gradNorm, skipped } = await numbers;
      const loss = lossSum / targets;
      const finite = Number.isFinite(gradNorm) && Number.isFinite(loss);
      const spike = skipped && finite && limits !== null && exceeds({ loss, gradNorm }, limits);
      noteNumbers(progress, { step, loss, gradNorm, skipped, spike });
      const tokens = { tokens: targets, contextTokens };
      options.onStep({ step, totalSteps: plan.steps, loss, gradNorm, lr, ...tokens, skipped, spike });
      if (profiler) options.onProfile?.(step, await profiler.finish());
      if (progress.skippedInARow >= MAX_SKIPPED)
        throw new GraftError('train.diverged', { step, count: MAX_SKIPPED });
      stopped = options.shouldStop();
      let isBest = false;
      if (evalDataset && (step % recipe.eval_steps === 0 || isLast || stopped)) {
        // The next step's gradients are recorded, but it has not changed the adapter.
        await next?.catch(() => undefined);
        const use = { adapter, strength: 1, dropout: null };
        const { loss: evalLoss } = await evaluate(decoder, use, evalDataset, recipe.batch_size);
        options.onEval(step, evalLoss);
        if (step % recipe.eval_steps === 0 || isLast) {
          isBest = noteEvaluation(progress, evalLoss, recipe.min_delta);
          if (isBest) await state.keepBest();
        } else {
          // Out of turn, because the run was stopped: a run without that stop has no such evaluation.
          lastIsBest = !progress.best || evalLoss < progress.best.loss;
        }
      }
      if ((await state.checkpoint(isLast || stopped || ended(), isBest)) && options.onCheckpoint) {
        await next?.catch(() => undefined);
        await options.onCheckpoint(step);
      }
      if (ended() || stopped) break;
      current = await (next ?? begin(step + 1));
    }
    const bestStep = lastIsBest ? null : state.loadBest();
    const { step: steps, loss, best } = progress;
    const cut = steps < plan.steps;
    const ending = { stopped: stopped && cut, stoppedEarly: !stopped && cut };
    return { steps, ...ending, finalLoss: loss ?? Number.NaN, best, keptStep: bestStep ?? steps };
  } finally {
    await next?.catch(() => undefined);
    commands.profile(null);
    runner.dispose();
    // Its file says the recipe's rank, however the run ended; on a lost device there is none to be written.
    if (grows) await changeRank(grows, recipe.rank, recipe.seed).catch(() => undefined);
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

function exceeds({ loss, gradNorm }: SpikeLimits, limits: SpikeLimits): boolean {
  return loss > limits.loss || gradNorm > limits.gradNorm;
}

function noteNumbers(
  progress: RunProgress,
  { step, loss, gradNorm, skipped, spike }: SpikeLimits & { step: number; skipped: boolean; spike: boolean },
): void {
  const broken = skipped && !spike;
  progress.step = step;
  // JSON has no word for a loss that is none.
  progress.loss = Number.isFinite(loss) ? loss : null;
  progress.updates += skipped ? 0 : 1;
  progress.skippedInARow = broken ? progress.skippedInARow + 1 : 0;
  progress.skipped += broken ? 1 : 0;
  progress.spikes += spike ? 1 : 0;
  noteStep(progress.window, loss, gradNorm);
}

function checkRows(lengths: Uint32Array, positions: number): void {
  if (lengths.length === 0) throw new GraftError('train.no_rows');
  const longest = lengths.reduce((a, b) => Math.max(a, b), 0);
  if (longest > positions) throw new GraftError('train.row_too_long', { length: longest, positions });
}
