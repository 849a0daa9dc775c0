import { buildMicroBatch, type MicroBatch } from '../../../content/data/tokens/microBatch.ts';
import type { TokenRows } from '../../../content/data/tokens/tokenRows.ts';
import type { AdapterUse, Decoder } from '../../model/decoder/decoder.ts';
import { inOrder, targetLosses } from '../evaluate.ts';
import type { Judgment } from './answers.ts';
import type { ObjectiveSettings } from './judge.ts';
import { comparisonsOf, judge } from './judgeBatch.ts';
import type { KeptReferences } from './keptReferences.ts';
import { answerLogps } from './logps.ts';

/** What an objective makes of a micro-batch, without a gradient. */
export async function judgeBatch(
  decoder: Decoder,
  use: AdapterUse,
  batch: MicroBatch,
  objective: ObjectiveSettings,
  references: KeptReferences | null = null,
): Promise<Judgment> {
  const [comparison] = await comparisonsOf(decoder, use, [batch], objective, references);
  const [logps] = await answerLogps(decoder, use, [batch]);
  return judge(objective, batch, logps!, comparison!);
}

/** Runs a micro-batch as an evaluation does: by its objective, or null for the losses of its targets, if it has any. */
export async function evaluateBatch(
  decoder: Decoder,
  use: AdapterUse,
  batch: MicroBatch,
  objective: ObjectiveSettings | null,
): Promise<void> {
  if (objective) await judgeBatch(decoder, use, batch, objective);
  else if (batch.targetRows.length > 0) await targetLosses(decoder, use, batch);
}

/**
 * The mean loss of an objective over rows that are not trained on: of each micro-batch of rows in their order, weighed by
 * its rows.
 * @param maxLength of mismatched answers
 */
export async function evaluatePreferences(
  decoder: Decoder,
  use: AdapterUse,
  dataset: TokenRows,
  objective: ObjectiveSettings,
  {
    batchSize,
    maxLength,
    references,
  }: { batchSize: number; maxLength: number; references: KeptReferences | null },
): Promise<number> {
  const rows = dataset.offsets.length - 1;
  let sum = 0;
  for (const some of inOrder(rows, batchSize)) {
    const batch = buildMicroBatch(dataset, [some], maxLength);
    sum += some.length * (await judgeBatch(decoder, use, batch, objective, references)).loss;
  }
  return sum / rows;
}
