import type { Recipe } from '../../base/config/recipe.ts';
import { createRandom, type Random } from '../../base/lib/random.ts';
import type { StepPlan } from '../../content/data/tokens/batches.ts';
import { readMicroBatch } from '../../content/data/tokens/trainRows.ts';
import type { Profiler } from '../gpu/profiler.ts';
import { runLongest, withSmallerBatch } from './longestBatch.ts';
import type { StepNumbers } from './optimizer.ts';
import type { RankGrowth } from './rankGrowth.ts';
import { learningRate, type ScheduleOptions } from './schedule.ts';
import type { SampledSteps } from './grpo/sampledSteps.ts';
import type { SpikeLimits } from './spikeLimits.ts';
import type { TrainOptions } from './trainOptions.ts';
import { rowLimit } from './largestBatch.ts';
import type { StepCounts, StepRunner } from './trainStep.ts';

/** What the steps of a run are made with. */
export interface StepParts {
  runner: StepRunner;
  plan: StepPlan;
  growth: RankGrowth;
  /** What samples the micro-batches; null where they are the rows of the plan. */
  sampled: SampledSteps | null;
}

/** A step whose gradients are recorded. */
export interface BegunStep {
  /** From 1. */
  step: number;
  lr: number;
  /** Its supervised tokens, what its losses are divided by, and its rewards. */
  counts: StepCounts;
  /** All tokens that run through the model. */
  contextTokens: number;
  /** What times its commands, or null. */
  profiler: Profiler | null;
}

/** Records the commands of a run's steps: rows, dropout, learning rate and rank follow from a step's number. */
export class StepRecorder {
  readonly #options: TrainOptions;
  readonly #parts: StepParts;
  readonly #dropoutSeeds: Random;
  readonly #schedule: ScheduleOptions;

  constructor(options: TrainOptions, parts: StepParts) {
    const { recipe } = options;
    this.#options = options;
    this.#parts = parts;
    this.#dropoutSeeds = createRandom(recipe.seed).fork('dropout');
    this.#schedule = {
      name: recipe.schedule,
      lr: recipe.lr,
      warmupSteps: recipe.warmup_steps,
      totalSteps: parts.plan.steps,
    };
  }

  /** The gradients of a step: all their commands are submitted when this resolves. */
  async begin(step: number): Promise<BegunStep> {
    const { decoder, recipe, dataset } = this.#options;
    const { plan, growth, runner, sampled } = this.#parts;
    const { commands } = decoder;
    await growth.changeRank(runner, step);
    const limit = rowLimit(recipe, decoder.spec.maxPositions);
    const batches = sampled
      ? await sampled.batches(step)
      : await Promise.all(plan.step(step - 1).map((rows) => readMicroBatch(dataset, rows, limit)));
    const seeds = batches.map((_, i) => this.#dropoutSeeds.fork(`${step - 1} ${i}`).uint32());
    const profiler = this.#options.profiler?.() ?? null;
    commands.profile(profiler);
    try {
      const counts = await runner.gradients(batches, {
        p: recipe.dropout,
        noiseAlpha: recipe.neftune_noise_alpha,
        seeds,
      });
      const contextTokens = batches.reduce((sum, { tokens }) => sum + tokens.length, 0);
      return { step, lr: learningRate(this.#schedule, step - 1), counts, contextTokens, profiler };
    } finally {
      commands.profile(null);
    }
  }

  /**
   * The first step on this device, after the run's longest batch has shown that it fits.
   * Throws `train.batch_too_large`, `train.row_too_large`.
   */
  async beginFirst(step: number): Promise<BegunStep> {
    const { plan, runner } = this.#parts;
    try {
      await runLongest(this.#options, runner, plan.step(step - 1));
      const begun = await this.begin(step);
      await runner.checkMemory();
      return begun;
    } catch (error) {
      throw withSmallerBatch(error, this.#options.recipe);
    }
  }

  /**
   * The update by a step's gradients, submitted at once.
   * @param updates steps before it that changed the parameters
   * @param limits above which it changes nothing
   */
  update(
    { lr, profiler, counts }: BegunStep,
    updates: number,
    limits: SpikeLimits | null,
  ): Promise<StepNumbers> {
    const { recipe } = this.#options;
    const { commands } = this.#options.decoder;
    // A skipped step left m and v as they were, so their bias correction must not move on either.
    const settings = { ...adamWOf(recipe), lr, step: updates + 1 };
    commands.profile(profiler);
    try {
      return this.#parts.runner.update(
        settings,
        limits && { lossSum: limits.loss * counts.lossCount, gradNorm: limits.gradNorm },
      );
    } finally {
      commands.profile(null);
    }
  }
}

function adamWOf({ beta1, beta2, eps, weight_decay: weightDecay, max_grad_norm: maxGradNorm }: Recipe) {
  return { beta1, beta2, eps, weightDecay, maxGradNorm };
}
