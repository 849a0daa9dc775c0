import { sequencesOf } from './preferenceColumn.ts';
import type { TokenRows } from './tokenRows.ts';

/** An array of token rows. */
export type TokenRowPart = 'offsets' | 'ids' | 'labels' | 'weights' | 'preference' | 'references';

/**
 * What of token rows that others wrote does not fit the rest: lengths, order and ranges, but for a vocabulary's size. Null
 * where nothing is wrong.
 */
export function wrongPart(rows: TokenRows): TokenRowPart | null {
  const { ids, labels, weights, offsets, preference, references } = rows;
  const count = offsets.length - 1;
  const isAscending = offsets.every((at, i) => at >= (i === 0 ? 0 : offsets[i - 1]!));
  if (count < 0 || offsets[0] !== 0 || !isAscending || offsets[count] !== ids.length) return 'offsets';
  if (ids.some((id) => id < 0)) return 'ids';
  if (labels.length !== ids.length) return 'labels';
  if (weights && (weights.length !== ids.length || !weights.every((one) => one >= 0 && one < Infinity)))
    return 'weights';
  if (preference && !fits(rows, preference.values, preference.kind === 'labels')) return 'preference';
  return references && references.length !== count ? 'references' : null;
}

/** Whether there is a mark for each row: of an answer 0 or 1, of a pair where its second sequence begins. */
function fits(rows: TokenRows, values: Uint32Array, ofAnswers: boolean): boolean {
  if (values.length !== rows.offsets.length - 1) return false;
  if (ofAnswers) return values.every((value) => value <= 1);
  return values.every((_, row) => {
    const [, second] = sequencesOf(rows, row);
    return second!.start <= second!.end;
  });
}

/** The largest token among ids and labels; −1 without any. */
export function largestToken({ ids, labels }: Pick<TokenRows, 'ids' | 'labels'>): number {
  let most = -1;
  for (const all of [ids, labels]) for (const id of all) if (id > most) most = id;
  return most;
}
