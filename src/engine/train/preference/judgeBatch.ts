import type { MicroBatch } from '../../../content/data/tokens/microBatch.ts';
import { withoutAdapter, type AdapterUse, type Decoder } from '../../model/decoder/decoder.ts';
import type { AnswerLogps, Judgment } from './answers.ts';
import {
  hasReference,
  judgeLabeled,
  judgePairs,
  type MismatchedLogps,
  type ObjectiveSettings,
} from './judge.ts';
import { answerLogps } from './logps.ts';
import type { KeptReferences } from './keptReferences.ts';

/** What a micro-batch's answers are compared with. */
export interface Comparison {
  /** [answers] log-probabilities by the reference model; zeros for objectives without one. */
  references: number[];
  /** KTO's mismatched answers; null for pairs. */
  mismatched: MismatchedLogps | null;
}

/**
 * What the answers of micro-batches are compared with. The reference model is the base on the same weights, without the
 * adapter.
 * @param use what is trained
 * @param kept log-probabilities of the reference that are known; null computes them
 */
export async function comparisonsOf(
  decoder: Decoder,
  use: AdapterUse,
  batches: readonly MicroBatch[],
  objective: ObjectiveSettings,
  kept: KeptReferences | null,
): Promise<Comparison[]> {
  if (!hasReference(objective)) {
    return batches.map(({ preference }) => ({
      references: preference!.answers.map(() => 0),
      mismatched: null,
    }));
  }
  const references = kept
    ? batches.map(({ preference }) => preference!.answers.map(({ id }) => kept.of(id)))
    : (await answerLogps(decoder, withoutAdapter, batches)).map(logpsAlone);
  const mismatched = batches.flatMap(({ preference }) => preference!.mismatched ?? []);
  if (mismatched.length === 0) return references.map((own) => ({ references: own, mismatched: null }));
  const logps = await answerLogps(decoder, use, mismatched);
  const theirs = await answerLogps(decoder, withoutAdapter, mismatched);
  return references.map((own, i) => ({
    references: own,
    mismatched: { logps: logpsAlone(logps[i]!), references: logpsAlone(theirs[i]!) },
  }));
}

const logpsAlone = (answers: readonly AnswerLogps[]) => answers.map(({ logp }) => logp);

/** What an objective makes of a micro-batch whose log-probabilities are known. */
export function judge(
  objective: ObjectiveSettings,
  batch: MicroBatch,
  logps: readonly AnswerLogps[],
  { references, mismatched }: Comparison,
): Judgment {
  const answers = logps.map((answer, i) => ({ ...answer, reference: references[i]! }));
  if (!mismatched) return judgePairs(objective, answers);
  const good = batch.preference!.answers.map((answer) => answer.good);
  return judgeLabeled(objective, answers, good, mismatched);
}

/** The weight of each target's loss in the gradient. @param share of the micro-batch in the step */
export function targetWeights(
  batch: MicroBatch,
  { slopes, promptSlope }: Judgment,
  share: number,
): Float32Array {
  const weights = new Float32Array(batch.targetRows.length);
  batch.preference!.answers.forEach(({ promptStart, start, end }, i) => {
    // Losses are −log p.
    weights.fill(-promptSlope * share, promptStart, start);
    weights.fill(-slopes[i]! * share, start, end);
  });
  return weights;
}
