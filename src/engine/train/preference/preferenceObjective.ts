import type { MicroBatch } from '../../../content/data/tokens/microBatch.ts';
import type { Decoder } from '../../model/decoder/decoder.ts';
import type { Trainable } from '../../model/trained/trainable.ts';
import type { ObjectiveCounts, StepObjective } from '../objective.ts';
import { meanRewards, type Rewards } from './answers.ts';
import { GroupJudge } from './groupJudge.ts';
import type { ObjectiveSettings } from './judge.ts';
import { comparisonsOf } from './judgeBatch.ts';
import type { KeptReferences } from './keptReferences.ts';

/** Preference training: the answers of micro-batches are compared with the reference, then with each other. */
export class PreferenceObjective implements StepObjective<Rewards> {
  readonly #settings: ObjectiveSettings;
  readonly #references: KeptReferences | null;

  /** @param references log-probabilities of the reference; null computes them at each step */
  constructor(settings: ObjectiveSettings, references: KeptReferences | null = null) {
    this.#settings = settings;
    this.#references = references;
  }

  async judge(
    decoder: Decoder,
    adapter: Trainable,
    batches: readonly MicroBatch[],
    share: number,
  ): Promise<GroupJudge> {
    const use = { adapter, strength: 1, dropout: null };
    const comparisons = await comparisonsOf(decoder, use, batches, this.#settings, this.#references);
    return new GroupJudge(decoder, this.#settings, batches, comparisons, share);
  }

  summarize(numbers: readonly Rewards[]): ObjectiveCounts {
    return { rewards: meanRewards(numbers), completions: null };
  }
}
