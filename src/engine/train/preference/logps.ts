import type { MicroBatch } from '../../../content/data/tokens/microBatch.ts';
import { assert } from '../../../base/lib/errors.ts';
import type { AdapterUse, Decoder } from '../../model/decoder/decoder.ts';
import { targetLossesOf } from '../evaluate.ts';
import type { AnswerLogps } from './answers.ts';

/** The log-probabilities of a micro-batch's answers from the losses of its targets. References are left at 0. */
export function logpsOf(batch: MicroBatch, losses: Float32Array): AnswerLogps[] {
  const { preference } = batch;
  assert(preference, 'a micro-batch of preference data');
  const sum = (start: number, end: number) => {
    let logp = 0;
    for (let i = start; i < end; i++) logp -= losses[i]!;
    return logp;
  };
  return preference.answers.map(({ promptStart, start, end }) => ({
    logp: sum(start, end),
    tokens: end - start,
    reference: 0,
    promptLogp: sum(promptStart, start),
    promptTokens: start - promptStart,
  }));
}

/** The log-probabilities of the answers of micro-batches, without a gradient. */
export async function answerLogps(
  decoder: Decoder,
  use: AdapterUse,
  batches: readonly MicroBatch[],
): Promise<AnswerLogps[][]> {
  const { reader } = decoder.workspace;
  const losses = await targetLossesOf(decoder, use, batches, (one) => reader.read(one));
  return batches.map((batch, i) => logpsOf(batch, losses[i]!));
}
