import type { Finding, LintInput } from './finding.ts';
import type { EndTokens } from '../labels/turnEnd.ts';
import { IGNORED } from '../labels/tokenizedRow.ts';

/**
 * Where the tokenizer's EOS and the chat template disagree on what ends a turn, for rows that the template renders. The
 * finding is about the model, so it lists no rows.
 */
export function templateFindings({
  ends,
  format,
  rows,
}: Pick<LintInput, 'ends' | 'format' | 'rows'>): Pick<Finding, 'code' | 'params'>[] {
  const template = ends?.template;
  const shape = typeof format === 'string' ? format : format.kind;
  if (!template || rows.length === 0 || shape === 'text' || shape === 'tokenized') return [];
  const { endIds, ends: names, text } = template;
  const eos = ends.eosIds[0];
  if (text !== null) return [{ code: 'endIsText', params: { text, eos: ends.eos } }];
  if (endIds.length === 0 || eos === undefined || endIds.includes(eos)) return [];
  return [{ code: 'endsDiffer', params: { eos: ends.eos, end: names.join(', ') } }];
}

/** Whether a row's ids and labels in [start, end) train an end token last. */
export type EndCheck = (
  ids: ArrayLike<number>,
  labels: ArrayLike<number>,
  start: number,
  end: number,
) => boolean;

/**
 * Builds the check for a tokenizer's end tokens: only trained whitespace may stand between the end token and what is
 * masked.
 */
export function endCheck(ends: EndTokens): EndCheck {
  const closing = new Set([...ends.eosIds, ...ends.specialIds, ...(ends.template?.endIds ?? [])]);
  const blanks = ends.blankIds && new Set(ends.blankIds);
  return (ids, labels, start, end) => {
    let at = end - 1;
    while (at > start && labels[at] === IGNORED) at--;
    for (let behind = 0; at >= start && labels[at] !== IGNORED; at--, behind++) {
      if (closing.has(ids[at]!)) return true;
      const mayFollow = blanks ? blanks.has(ids[at]!) : behind === 0;
      if (!mayFollow) return false;
    }
    return false;
  };
}
