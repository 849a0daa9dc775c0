import { assert, GraftError } from '../../../base/lib/errors.ts';
import { createRandom, type Random } from '../../../base/lib/random.ts';
import type { StepPlan } from '../../../content/data/tokens/batches.ts';
import type { MicroBatch } from '../../../content/data/tokens/microBatch.ts';
import type { TokenRows } from '../../../content/data/tokens/tokenRows.ts';
import { rowsInMemory } from '../../../content/data/tokens/trainRows.ts';
import type { AdapterUse } from '../../model/decoder/decoder.ts';
import { dataShapes, promptsOf, rowLimit } from '../largestBatch.ts';
import type { CompletionNumbers } from '../completionNumbers.ts';
import type { SampledCompletions, TrainOptions } from '../trainOptions.ts';
import { advantagesOf, deviation, known, meanOf } from './advantages.ts';
import { completionBatch, promptOf, type TrainedCompletion } from './completionBatch.ts';
import { GrpoObjective, type TokenSums } from './completionJudge.ts';
import { completionRoom, longestGeneration, type GenerationShape } from './completionShapes.ts';
import { sampleCompletions, type AskedPrompt, type Completion } from './sampleCompletions.ts';
import { readSample, sampleBytes, type Sample } from './sampleFile.ts';
import { tokenShares } from './tokenShares.ts';

type RunOptions = Pick<
  TrainOptions,
  'decoder' | 'adapter' | 'recipe' | 'dataset' | 'evalDataset' | 'sampling' | 'onCompletions'
>;

/** The micro-batches of a run by GRPO: completions that the model samples as it is, rewarded and compared. */
export class SampledSteps {
  /** What is made of their losses. */
  readonly objective: GrpoObjective;
  readonly #options: RunOptions;
  readonly #prompts: TokenRows;
  readonly #plan: StepPlan;
  readonly #random: Random;
  readonly #sampling: SampledCompletions;
  readonly #shape: GenerationShape;
  #sample: Sample | null = null;

  /** @param plan which rows each step takes. Throws `train.no_rewards` where nothing says how to reward. */
  constructor(options: RunOptions, plan: StepPlan) {
    const { recipe, sampling, dataset, evalDataset } = options;
    if (!sampling || sampling.scorer.names.length === 0) throw new GraftError('train.no_rewards');
    this.#options = options;
    this.#prompts = rowsInMemory(dataset, recipe.objective);
    this.#plan = plan;
    this.#sampling = sampling;
    const { maxPositions } = options.decoder.spec;
    const prompts = promptsOf(dataShapes({ train: dataset, evaluation: evalDataset }));
    this.#shape = longestGeneration(prompts, recipe, rowLimit(recipe, maxPositions));
    this.#random = createRandom(recipe.seed).fork('completions');
    this.objective = new GrpoObjective(recipe, (sums) => this.#report(sums));
  }

  /** The micro-batches of a step, from 1: those of a new sample, or of the one that the step before had. */
  async batches(step: number): Promise<MicroBatch[]> {
    const { recipe } = this.#options;
    const index = Math.floor((step - 1) / recipe.num_iterations);
    if (this.#sample?.index !== index) this.#sample = await this.#draw(index, step);
    const { batches } = this.#sample;
    const shares = tokenShares(
      batches.map((batch) => batch.map(({ ids }) => ids.length)),
      recipe,
    );
    return batches.map((batch, i) => completionBatch(this.#prompts, batch, shares[i]!));
  }

  /** What a checkpoint after a step needs beside the parameters: the sample, where the next step is on it, too. */
  stateAfter(step: number): Uint8Array<ArrayBuffer> | null {
    const { num_iterations: passes } = this.#options.recipe;
    if (step % passes === 0 || !this.#sample) return null;
    assert(this.#sample.index === Math.floor((step - 1) / passes), 'the sample of the step before');
    return sampleBytes(this.#sample);
  }

  /** Continues with the sample of a checkpoint. Throws `train.resume_unreadable`. */
  restore(bytes: Uint8Array): void {
    this.#sample = readSample(bytes);
  }

  /** Mean reward of the likeliest answer to each prompt; null where no reward has an opinion. */
  async evaluate(rows: TokenRows): Promise<number | null> {
    const all = Array.from({ length: rows.offsets.length - 1 }, (_, row) => row);
    const { endIds, scorer } = this.#sampling;
    const sampling = { temperature: 0, topK: 0, topP: 1, endIds, shape: this.#shape };
    const asked = all.map((row) => this.#asked(rows, row, 0));
    const { decoder } = this.#options;
    const completions = await sampleCompletions(decoder, this.#use, asked, sampling);
    const scores = await this.#score(rows, all, completions);
    const { rewards } = advantagesOf(scores, scorer.weights, all.length, 'none');
    const values = known(rewards);
    return values.length === 0 ? null : meanOf(values);
  }

  async #draw(index: number, step: number): Promise<Sample> {
    const { recipe, decoder, onCompletions } = this.#options;
    const { num_generations: size, temperature, top_k: topK, top_p: topP } = recipe;
    const { endIds, scorer } = this.#sampling;
    const planned = this.#plan.step(step - 1).map((batch) => batch.flat());
    const rows = planned.flat().flatMap((row) => Array.from({ length: size }, () => row));
    const asked = rows.map((row, i) =>
      this.#asked(this.#prompts, row, this.#random.fork(`${index} ${row} ${i % size}`).uint32()),
    );
    const sampling = { temperature, topK, topP, endIds, shape: this.#shape };
    const completions = await sampleCompletions(decoder, this.#use, asked, sampling);
    const scores = await this.#score(this.#prompts, rows, completions);
    const found = advantagesOf(scores, scorer.weights, size, recipe.scale_rewards);
    onCompletions?.(
      step,
      completions.slice(0, size).map(({ ids }, i) => ({
        prompt: asked[i]!.prompt,
        ids,
        reward: found.rewards[i]!,
      })),
    );
    const trained = completions.map(({ ids }, i): TrainedCompletion => {
      const advantage = found.advantages[i]!;
      return { row: rows[i]!, ids, advantage, known: { sampled: null, reference: null } };
    });
    let at = 0;
    const batches = planned.map((batch) => trained.slice(at, (at += batch.length * size)));
    return { index, batches, numbers: numbersOf(completions, scores, found, scorer.names) };
  }

  get #use(): AdapterUse {
    return { adapter: this.#options.adapter, strength: 1, dropout: null };
  }

  #asked(rows: TokenRows, row: number, seed: number): AskedPrompt {
    const { decoder, recipe } = this.#options;
    const prompt = promptOf(rows, row);
    const limit = rowLimit(recipe, decoder.spec.maxPositions);
    return { prompt, maxNewTokens: completionRoom(recipe, prompt.length, limit), seed };
  }

  #score(rows: TokenRows, of: readonly number[], completions: readonly Completion[]) {
    const { references } = rows;
    assert(references, 'rows of prompts have references');
    const { endIds } = this.#sampling;
    return this.#sampling.scorer.score(
      completions.map(({ ids, ended }, i) => ({
        ids: ended && endIds.includes(ids.at(-1)!) ? ids.slice(0, -1) : ids,
        tokens: ids.length,
        ended,
        reference: references[of[i]!]!,
      })),
    );
  }

  /** Null where gradients are computed of no sample, to see that they fit. */
  #report({ tokens, kl, clipped }: TokenSums): CompletionNumbers | null {
    if (!this.#sample) return null;
    const mean = (sum: number) => (tokens === 0 ? 0 : sum / tokens);
    const { beta } = this.#options.recipe;
    return { ...this.#sample.numbers, kl: beta > 0 ? mean(kl) : null, clipRatio: mean(clipped) };
  }
}

function numbersOf(
  completions: readonly Completion[],
  scores: readonly (readonly (number | null)[])[],
  { rewards, withoutSpread, groups }: ReturnType<typeof advantagesOf>,
  names: readonly string[],
): Sample['numbers'] {
  const values = known(rewards);
  const meanOrNull = (of: readonly number[]) => (of.length === 0 ? null : meanOf(of));
  return {
    reward: meanOrNull(values),
    rewardStd: values.length === 0 ? null : deviation(values),
    rewards: Object.fromEntries(
      names.map((name, i) => [name, meanOrNull(known(scores.map((own) => own[i]!)))]),
    ),
    length: meanOf(completions.map(({ ids }) => ids.length)),
    cut: meanOf(completions.map(({ ended }) => Number(!ended))),
    withoutSpread: withoutSpread / groups,
  };
}
