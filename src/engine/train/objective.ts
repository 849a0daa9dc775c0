import type { MicroBatch } from '../../content/data/tokens/microBatch.ts';
import type { Tensor } from '../gpu/tensor.ts';
import type { LogitForm } from '../kernels/logits.ts';
import type { Decoder } from '../model/decoder/decoder.ts';
import type { Trainable } from '../model/trained/trainable.ts';
import type { CompletionNumbers } from './completionNumbers.ts';
import type { Rewards } from './preference/answers.ts';

/** What a step's report says beyond loss and gradient; null where its objective says nothing of it. */
export interface ObjectiveCounts {
  /** Of preference data. */
  rewards: Rewards | null;
  /** Of sampled completions. */
  completions: CompletionNumbers | null;
}

/**
 * An objective that makes something else of the targets' losses than their mean. Numbers: what it finds of a micro-batch,
 * of which it makes what a step reports.
 */
export interface StepObjective<Numbers = unknown> {
  /**
   * Prepares to judge micro-batches that are processed together, before their losses are there.
   * @param adapter what is trained
   * @param share of a micro-batch in the step
   */
  judge(
    decoder: Decoder,
    adapter: Trainable,
    batches: readonly MicroBatch[],
    share: number,
  ): Promise<BatchJudge<Numbers>>;
  /** From the numbers of all micro-batches of a step. */
  summarize(numbers: readonly Numbers[]): ObjectiveCounts;
}

/** Turns the losses of micro-batches into a loss of each, and the weight of each target in the gradient. */
export interface BatchJudge<Numbers = unknown> {
  /** What the head's products become; undefined for the model's logits. */
  readonly form?: LogitForm | undefined;
  /** [R] f32, the weights of a micro-batch's targets, once weighed. */
  weights(i: number): Tensor;
  /** [1] f32, a micro-batch's share of the step's loss, once weighed. */
  loss(i: number): Tensor;
  /** Reads the losses, whose commands need not be submitted, and uploads what the gradient needs. */
  weigh(losses: readonly Tensor[]): Promise<void>;
  /** Of each micro-batch, once weighed. */
  numbers(): readonly Numbers[];
}
