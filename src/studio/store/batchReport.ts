import { csvOf } from '../../base/lib/csv.ts';
import type { BatchRow } from './state/batch.ts';
import type { Side } from './state/tryout.ts';
import { splitThought } from './thoughts.ts';

/** What a batch measured of one side. */
export interface SideReport {
  /** Rows with an answer. */
  answered: number;
  /** Rows with an answer and an expected one, and how many of those are the same. */
  compared: number;
  exact: number;
  /** Mean length of the answers in tokens; null without any. */
  meanTokens: number | null;
  /** Answers that ended at the most tokens, not by themselves. */
  cut: number;
  failed: number;
}

/** Counts and means of one side's answers: what was measured, and nothing else. */
export function sideReport(rows: readonly BatchRow[], side: Side): SideReport {
  const given = rows.flatMap(({ prompt, answers }) => {
    const made = answers[side];
    return made?.kind === 'answer' ? [{ expected: prompt.expected, answer: made.answer }] : [];
  });
  const compared = given.filter(({ expected }) => expected !== null);
  const tokens = given.reduce((sum, { answer }) => sum + answer.tokens, 0);
  return {
    answered: given.length,
    compared: compared.length,
    exact: compared.filter(({ expected, answer }) => isExact(answer.text, expected!)).length,
    meanTokens: given.length > 0 ? tokens / given.length : null,
    cut: given.filter(({ answer }) => answer.stoppedBy === 'length').length,
    failed: rows.filter(({ answers }) => answers[side]?.kind === 'failed').length,
  };
}

/** Whether an answer is the expected one: thoughts and space at both ends apart, to the character. */
export function isExact(answer: string, expected: string): boolean {
  return splitThought(answer).answer.trim() === splitThought(expected).answer.trim();
}

/**
 * The table as CSV.
 * @param names of the columns: line, prompt, expected, then a side's
 */
export function batchCsv(
  rows: readonly BatchRow[],
  sides: readonly Side[],
  names: readonly string[],
): string {
  const body = rows.map(({ prompt, answers }) => [
    String(prompt.line),
    prompt.text,
    prompt.expected ?? '',
    ...sides.map((side) => {
      const made = answers[side];
      return made?.kind === 'answer' ? made.answer.text : '';
    }),
  ]);
  return csvOf([names, ...body]);
}
