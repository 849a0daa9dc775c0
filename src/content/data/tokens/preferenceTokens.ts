import type { PreferenceObjectiveName } from '../../../base/config/recipe.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { answerTokens, notesOf, type AnswerTokens } from '../labels/answerTokens.ts';
import type { LabelOptions } from '../labels/labels.ts';
import { IGNORED } from '../labels/tokenizedRow.ts';
import type { PreferenceRow } from '../rows/answers.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { PreferenceMark } from './preferenceColumn.ts';

/** A row of preference data as tokens: a pair is two sequences, the better answer's first. */
export interface PreferenceTokens {
  sequences: { ids: number[]; labels: number[] }[];
  /** Of each sequence, the tokens before it was cut, and the trained ones among those that were lost. */
  lengths: number[];
  lost: number[];
  /** Whether the answer is good; absent of a pair. */
  good?: boolean;
  notes: AnswerTokens['notes'];
}

/**
 * The tokens and labels of a row of preference data. Trained are the tokens of answers, and with ORPO the prompt of the
 * better answer: its likelihood is that of both. Throws as `answerTokens`, `data.no_trained_tokens`, `data.cut_away`.
 */
export function preferenceTokens(
  row: PreferenceRow,
  objective: PreferenceObjectiveName,
  {
    tokenizer,
    maxLength,
    labeling,
  }: { tokenizer: Tokenizer | null; maxLength: number; labeling: LabelOptions },
): PreferenceTokens {
  const answers = answerTokens(
    tokenizer,
    row.kind === 'pairs' ? [row.chosen, row.rejected] : [row.answer],
    labeling,
  );
  const cut = answers.map(({ ids, prompt }, i) => {
    if (ids.length <= Math.max(1, prompt))
      throw new GraftError('data.no_trained_tokens', { detail: 'its answer is empty' });
    if (Math.max(1, prompt) >= maxLength)
      throw new GraftError('data.cut_away', { maxLength, length: ids.length });
    const likely = objective === 'orpo' && i === 0;
    // Nothing predicts the first token.
    const labels = ids.map((id, at) => (at > 0 && (likely || at >= prompt) ? id : IGNORED));
    return { ids: ids.slice(0, maxLength), labels: labels.slice(0, maxLength) };
  });
  return {
    sequences: cut,
    lengths: answers.map(({ ids }) => ids.length),
    lost: answers.map(({ ids }) => Math.max(0, ids.length - maxLength)),
    ...(row.kind === 'labels' && { good: row.good }),
    notes: notesOf(answers),
  };
}

/** What a row is to preference training. */
export function markOfTokens({ sequences, good }: PreferenceTokens): PreferenceMark {
  if (good !== undefined) return { kind: 'labels', value: Number(good) };
  return { kind: 'pairs', value: sequences[0]!.ids.length };
}
