import type { Recipe } from '../../base/config/recipe.ts';
import type { Profile } from '../../base/lib/profile.ts';
import type { TokenRows } from '../../content/data/tokens/tokenRows.ts';
import type { TrainRows } from '../../content/data/tokens/trainRows.ts';
import type { CheckpointData } from '../../content/runs/types.ts';
import type { Profiler } from '../gpu/profiler.ts';
import type { Decoder } from '../model/decoder/decoder.ts';
import type { Trainable } from '../model/trained/trainable.ts';
import type { CompletionNumbers } from './completionNumbers.ts';
import type { Rewards } from './preference/answers.ts';
import type { TrainProgress } from './trainProgress.ts';

/** A completion to reward. */
export interface ScoredCompletion {
  /** Its tokens, without the one that ended it. */
  ids: readonly number[];
  /** How many they are with that. */
  tokens: number;
  /** Whether it ended by itself, not at the longest. */
  ended: boolean;
  /** What is known of its row: JSON, as `TokenRows.references` has it. */
  reference: string;
}

/** Rewards completions. */
export interface Scorer {
  /** What the rewards are called, and their weights in the sum. */
  readonly names: readonly string[];
  readonly weights: readonly number[];
  /** [completions][rewards]; null where a reward has no opinion. Throws `train.reward_failed`. */
  score(completions: readonly ScoredCompletion[]): Promise<(number | null)[][]>;
}

/** What sampling completions needs beside the recipe. */
export interface SampledCompletions {
  scorer: Scorer;
  /** Tokens that end a completion. */
  endIds: readonly number[];
}

/** A sampled completion, to look at. */
export interface ShownCompletion {
  prompt: readonly number[];
  ids: readonly number[];
  /** Null where no reward has an opinion. */
  reward: number | null;
}

export interface TrainOptions {
  decoder: Decoder;
  /** What is trained: an adapter, or the whole model. */
  adapter: Trainable;
  recipe: Recipe;
  dataset: TrainRows;
  /** Rows for evaluation only, or null. */
  evalDataset: TokenRows | null;
  /**
   * A step that is evaluated besides those of the recipe's schedule, such as a sweep's rung. It counts for neither the best
   * step nor early stopping.
   */
  evaluateAfter?: number | undefined;
  checkpoints?: Checkpoints | null;
  /** The checkpoint that the run continues from; needs `checkpoints`. */
  resume?: CheckpointData | null;
  /** Of objectives that sample what they train on; absent for others. */
  sampling?: SampledCompletions | undefined;
  /** Called with the completions of the first prompt of a sample, before the step on them. */
  onCompletions?(step: number, completions: readonly ShownCompletion[]): void;
  onStep(report: StepReport): void;
  /**
   * Called with the loss on `evalDataset`: before the first step (step 0), and after some of the steps.
   * @param reward of objectives that sample, the mean reward of the likeliest answers; the loss is minus that
   */
  onEval(step: number, loss: number, reward?: number): void;
  /** Called before each evaluation, which takes a while. */
  onEvaluating?(step: number, rows: number): void;
  /** Called before the log-probabilities of the reference model are computed for all rows, which takes a while. */
  onReferences?(rows: number): void;
  /** Called after a scheduled checkpoint; training waits, and the adapter may be used. */
  onCheckpoint?(step: number): Promise<void>;
  /** Asked before each step: what times its commands, or null. */
  profiler?(): Profiler | null;
  onProfile?(step: number, profile: Profile): void;
  /** Asked after each step: true ends the run; the adapter stays as it is. */
  shouldStop(): boolean;
}

/** What one optimizer step did. */
export interface StepReport {
  /** From 1. */
  step: number;
  totalSteps: number;
  /** Mean over the step's targets, each times its weight, before the update; of preference data the objective's loss. */
  loss: number;
  /** Before clipping. */
  gradNorm: number;
  lr: number;
  /** Supervised tokens. */
  tokens: number;
  /** All tokens that ran through the model. */
  contextTokens: number;
  /** The step changed nothing: its gradient was not finite, or it was a spike. */
  skipped: boolean;
  /** Loss or gradient norm were far above those of the steps before, so the spike guard left the step out. */
  spike: boolean;
  /** Of preference data; absent for others. */
  rewards?: Rewards;
  /** Of sampled completions; absent for others. */
  completions?: CompletionNumbers;
}

/** Where a run is saved to. */
export interface Checkpoints {
  /** Seconds between two checkpoints; more come by the recipe's `checkpoint_steps`, at the best evaluations and at the end. */
  seconds: number;
  /** Which weights are trained on: a commit, or another id that differs for other weights. */
  model: string;
  /**
   * Stores a checkpoint; training waits. Files are views of the GPU's memory, to be read before it resolves. What it
   * throws ends the run.
   */
  save(data: CheckpointData): Promise<void>;
  /** Asked after each step: true saves at once, whatever the clock says. */
  wanted?(): boolean;
}

/** How a run ended. */
export interface TrainOutcome {
  /** Optimizer steps done, including those before a resume. */
  steps: number;
  /** Ended by `shouldStop`, before the last step. */
  stopped: boolean;
  /** Evaluations stopped improving. */
  stoppedEarly: boolean;
  /** Of the last step. */
  finalLoss: number;
  /** The lowest evaluation loss, where there was one. */
  best: TrainProgress['best'];
  /** The step whose parameters are the result: the last, or with the recipe's `load_best` that of the lowest evaluation loss. */
  resultStep: number;
}
