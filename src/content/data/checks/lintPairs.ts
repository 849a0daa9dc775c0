import { sequencesOf } from '../tokens/preferenceColumn.ts';
import type { TokenizedDataset } from '../tokens/tokenizedDataset.ts';
import type { Finding } from './finding.ts';

/** From this share of pairs on whose better answer is the longer one, length alone tells them apart. */
const BIASED_SHARE = 0.8;

/**
 * What is wrong with pairs: the same answer twice, which teaches nothing; and better answers that are nearly always longer,
 * which teaches length. @param minRows fewer pairs show no bias
 */
export function pairFindings(
  tokens: TokenizedDataset,
  minRows: number,
): Pick<Finding, 'code' | 'rows' | 'params'>[] {
  const { preference, sources, ids } = tokens;
  if (preference?.kind !== 'pairs') return [];
  const equal: number[] = [];
  const longer: number[] = [];
  sources.forEach((source, row) => {
    const [better, worse] = sequencesOf(tokens, row).map(({ start, end }) => ids.subarray(start, end));
    if (better!.length > worse!.length) longer.push(source);
    else if (better!.length === worse!.length && better!.every((id, i) => id === worse![i]))
      equal.push(source);
  });
  const share = longer.length / sources.length;
  const isBiased = sources.length >= minRows && share >= BIASED_SHARE;
  return [
    { code: 'equalPair', rows: equal, params: {} },
    { code: 'lengthBias', rows: isBiased ? longer : [], params: { percent: Math.round(100 * share) } },
  ];
}
