import type { ChoiceRow } from '../../content/data/rows/choiceRow.ts';
import { IGNORED } from '../../content/data/labels/tokenizedRow.ts';
import { tokenRowsOf, type TokenRow, type TokenRows } from '../../content/data/tokens/tokenRows.ts';

/** A question as tokens: its contexts and continuations, choice after choice. */
export interface ChoiceTokens {
  row: ChoiceRow;
  pairs: { context: number[]; continuation: number[] }[];
}

/** Which choice a model finds the likeliest. */
export interface ChoiceScores {
  /** Log-likelihood of each continuation. */
  logLikelihoods: number[];
  /** Whether the right choice is the likeliest: as it is, and for its length in characters. */
  acc: number;
  acc_norm: number;
}

/**
 * Context and continuations as token ids, as lm-evaluation-harness makes them (`_encode_pair`): space at the context's end
 * belongs to the continuation; the continuation is what the tokens of both together have after as many as the context
 * alone.
 * @param encode texts, with the special tokens that the tokenizer adds
 */
export async function choiceTokens(
  rows: readonly ChoiceRow[],
  encode: (texts: readonly string[]) => Promise<number[][]>,
): Promise<ChoiceTokens[]> {
  const all: ChoiceTokens[] = [];
  for (const row of rows) {
    const context = row.context.trimEnd();
    const space = row.context.slice(context.length);
    const texts = row.continuations.map((continuation) => context + space + continuation);
    const [ofContext = [], ...wholes] = await encode([context, ...texts]);
    const pairs = wholes.map((ids) => ({
      context: ofContext,
      continuation: ids.slice(ofContext.length),
    }));
    all.push({ row, pairs });
  }
  return all;
}

/** The pairs as rows whose targets are the continuations, cut from the left to what the model takes. */
export function choiceTokenRows(questions: readonly ChoiceTokens[], maxPositions: number): TokenRows {
  const rows = questions.flatMap(({ pairs }) =>
    pairs.map(({ context, continuation }): TokenRow => {
      const ids = [...context, ...continuation];
      const labels = ids.map((id, i) => (i < context.length ? IGNORED : id));
      return { ids: ids.slice(-maxPositions), labels: labels.slice(-maxPositions) };
    }),
  );
  return tokenRowsOf(rows);
}

/** Accuracies of a question as the harness's multiple-choice tasks process them; ties go to the first. */
export function scoreChoices({ choices, gold }: ChoiceRow, logLikelihoods: number[]): ChoiceScores {
  const lengths = choices.map((choice) => Array.from(choice).length);
  const best = (values: readonly number[]) =>
    values.reduce((found, value, i) => (value > values[found]! ? i : found), 0);
  return {
    logLikelihoods,
    acc: Number(best(logLikelihoods) === gold),
    acc_norm: Number(best(logLikelihoods.map((value, i) => value / lengths[i]!)) === gold),
  };
}
