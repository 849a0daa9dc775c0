import type { Recipe } from '../../../base/config/recipe.ts';
import type { MicroBatch } from '../../../content/data/tokens/microBatch.ts';
import type { Tensor } from '../../gpu/tensor.ts';
import { upload } from '../../gpu/transfer.ts';
import { atTemperature, type LogitForm } from '../../kernels/logits.ts';
import { withoutAdapter, type Decoder } from '../../model/decoder/decoder.ts';
import type { Trainable } from '../../model/trained/trainable.ts';
import { nameOfBatch, targetLossesOf } from '../evaluate.ts';
import type { BatchJudge, ObjectiveCounts, StepObjective } from '../objective.ts';
import { tokenLoss } from './tokenLoss.ts';

export type GrpoSettings = Pick<Recipe, 'beta' | 'epsilon' | 'temperature'>;

/** Sums over the tokens of a micro-batch. */
export interface TokenSums {
  tokens: number;
  kl: number;
  clipped: number;
}

/** GRPO's objective on micro-batches of sampled completions (`MicroBatch.completions`). */
export class GrpoObjective implements StepObjective<TokenSums> {
  readonly #settings: GrpoSettings;
  readonly #report: (sums: TokenSums) => ObjectiveCounts['completions'];

  /** @param report what a step says of its completions, from sums over all its tokens */
  constructor(settings: GrpoSettings, report: (sums: TokenSums) => ObjectiveCounts['completions']) {
    this.#settings = settings;
    this.#report = report;
  }

  async judge(
    decoder: Decoder,
    _adapter: Trainable,
    batches: readonly MicroBatch[],
  ): Promise<CompletionJudge> {
    const { beta, temperature } = this.#settings;
    const form = temperature === 1 ? undefined : atTemperature(decoder.spec.logits, temperature);
    if (beta > 0) await addReferences(decoder, batches, form);
    return new CompletionJudge(decoder, this.#settings, batches, form);
  }

  summarize(numbers: readonly TokenSums[]): ObjectiveCounts {
    const sum = (key: keyof TokenSums) => numbers.reduce((all, own) => all + own[key], 0);
    const sums = { tokens: sum('tokens'), kl: sum('kl'), clipped: sum('clipped') };
    return { rewards: null, completions: this.#report(sums) };
  }
}

/** Fills in the log-probabilities by the model without adapter, where they are not known from an earlier pass. */
async function addReferences(
  decoder: Decoder,
  batches: readonly MicroBatch[],
  form: LogitForm | undefined,
): Promise<void> {
  const isKnown = batches.every(({ completions }) => completions!.every(({ known }) => known.reference));
  if (isKnown) return;
  const { reader } = decoder.workspace;
  const losses = await targetLossesOf(decoder, withoutAdapter, batches, (one) => reader.read(one), form);
  for (const [i, { completions }] of batches.entries())
    for (const { start, end, known } of completions!) known.reference = logpsOf(losses[i]!, start, end);
}

/** The log-probabilities of some targets from their losses. */
function logpsOf(losses: Float32Array, start: number, end: number): Float32Array {
  return losses.slice(start, end).map((loss) => -loss);
}

/** Turns the losses of micro-batches of completions into GRPO's. Sums are taken in f64, on the CPU. */
export class CompletionJudge implements BatchJudge<TokenSums> {
  readonly form: LogitForm | undefined;
  readonly #decoder: Decoder;
  readonly #settings: GrpoSettings;
  readonly #batches: readonly MicroBatch[];
  #sums: TokenSums[] = [];

  /** @param form of the logits at the temperature that was sampled at; undefined for the model's */
  constructor(
    decoder: Decoder,
    settings: GrpoSettings,
    batches: readonly MicroBatch[],
    form: LogitForm | undefined,
  ) {
    this.#decoder = decoder;
    this.#settings = settings;
    this.#batches = batches;
    this.form = form;
  }

  weights(i: number): Tensor {
    const targets = this.#batches[i]!.targetRows.length;
    return this.#decoder.workspace.get(`dLosses${nameOfBatch(i)}`, 'f32', [targets], 'loss');
  }

  loss(i: number): Tensor {
    return this.#decoder.workspace.get(`objective${nameOfBatch(i)}`, 'f32', [1], 'loss');
  }

  numbers(): readonly TokenSums[] {
    return this.#sums;
  }

  async weigh(losses: readonly Tensor[]): Promise<void> {
    const { commands, gpu, workspace } = this.#decoder;
    commands.submit();
    this.#sums = [];
    for (const [i, batch] of this.#batches.entries()) {
      const { loss, weights, sums } = judgeCompletions(
        batch,
        await workspace.reader.read(losses[i]!),
        this.#settings,
      );
      this.#sums.push(sums);
      upload(gpu, this.weights(i), weights);
      upload(gpu, this.loss(i), Float32Array.of(loss));
    }
  }
}

/**
 * What GRPO makes of a micro-batch: its part of the step's loss, and the weight of each target's loss in the gradient.
 * Completions that pass for the first time remember their log-probabilities: those they were sampled with.
 * @param losses [R] −log p of the targets
 */
export function judgeCompletions(
  { completions = [], targetRows }: Pick<MicroBatch, 'completions' | 'targetRows'>,
  losses: Float32Array,
  { beta, epsilon }: Pick<GrpoSettings, 'beta' | 'epsilon'>,
): { loss: number; weights: Float32Array; sums: TokenSums } {
  const weights = new Float32Array(targetRows.length);
  const sums: TokenSums = { tokens: 0, kl: 0, clipped: 0 };
  let loss = 0;
  for (const { start, end, advantage, tokenShare, known } of completions) {
    known.sampled ??= logpsOf(losses, start, end);
    for (let at = start; at < end; at++) {
      const reference = beta > 0 ? known.reference![at - start]! : null;
      const token = tokenLoss(-losses[at]!, known.sampled[at - start]!, reference, {
        advantage,
        epsilon,
        beta,
      });
      loss += tokenShare * token.value;
      // Losses are −log p.
      weights[at] = -tokenShare * token.slope;
      sums.tokens += 1;
      sums.kl += token.kl;
      sums.clipped += Number(token.clipped);
    }
  }
  return { loss, weights, sums };
}
