import type { MicroBatch } from '../../../content/data/tokens/microBatch.ts';
import type { Tensor } from '../../gpu/tensor.ts';
import { upload } from '../../gpu/transfer.ts';
import type { Decoder } from '../../model/decoder/decoder.ts';
import { nameOfBatch } from '../evaluate.ts';
import type { BatchJudge } from '../objective.ts';
import type { Rewards } from './answers.ts';
import type { ObjectiveSettings } from './judge.ts';
import { judge, targetWeights, type Comparison } from './judgeBatch.ts';
import { logpsOf } from './logps.ts';

/**
 * Turns the losses of micro-batches that are processed together into what their objective makes of them: a loss for each,
 * and the weight of each target in the gradient. Sums are taken in f64, on the CPU.
 */
export class GroupJudge implements BatchJudge<Rewards> {
  readonly #decoder: Decoder;
  readonly #objective: ObjectiveSettings;
  readonly #batches: readonly MicroBatch[];
  readonly #comparisons: readonly Comparison[];
  readonly #share: number;
  #rewards: Rewards[] = [];

  /** @param share of a micro-batch in the loss of its step */
  constructor(
    decoder: Decoder,
    objective: ObjectiveSettings,
    batches: readonly MicroBatch[],
    comparisons: readonly Comparison[],
    share: number,
  ) {
    this.#decoder = decoder;
    this.#objective = objective;
    this.#batches = batches;
    this.#comparisons = comparisons;
    this.#share = share;
  }

  weights(i: number): Tensor {
    const targets = this.#batches[i]!.targetRows.length;
    return this.#decoder.workspace.get(`dLosses${nameOfBatch(i)}`, 'f32', [targets], 'loss');
  }

  loss(i: number): Tensor {
    return this.#decoder.workspace.get(`objective${nameOfBatch(i)}`, 'f32', [1], 'loss');
  }

  numbers(): readonly Rewards[] {
    return this.#rewards;
  }

  async weigh(losses: readonly Tensor[]): Promise<void> {
    const { commands, gpu, workspace } = this.#decoder;
    commands.submit();
    this.#rewards = [];
    for (const [i, batch] of this.#batches.entries()) {
      const logps = logpsOf(batch, await workspace.reader.read(losses[i]!));
      const judgment = judge(this.#objective, batch, logps, this.#comparisons[i]!);
      this.#rewards.push(judgment.rewards);
      upload(gpu, this.weights(i), targetWeights(batch, judgment, this.#share));
      upload(gpu, this.loss(i), Float32Array.of(judgment.loss * this.#share));
    }
  }
}
