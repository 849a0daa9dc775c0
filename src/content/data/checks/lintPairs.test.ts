import { expect, it } from 'vitest';
import { defaultReading } from '../../../base/config/reading.ts';
import { tokenizeRows } from '../tokens/tokenize.ts';
import { pairFindings } from './lintPairs.ts';

/** Pairs of pre-tokenized answers. */
function found(pairs: [chosen: number[], rejected: number[]][]) {
  const rows = pairs.map(([chosen_ids, rejected_ids], i) => ({
    line: i + 1,
    value: { prompt_ids: [1, 2], chosen_ids, rejected_ids },
  }));
  const options = { ...defaultReading, objective: 'dpo', format: 'tokenized', tokenizer: null } as const;
  const tokens = tokenizeRows({ name: 'p.jsonl', rows }, { ...options, maxLength: 99, vocabSize: 99 });
  return Object.fromEntries(pairFindings(tokens, 5).map(({ code, rows: at }) => [code, at]));
}

it('reports pairs of equal answers', () => {
  expect(
    found([
      [
        [3, 4],
        [3, 4],
      ],
      [[3], [4]],
      [[3, 4], [3]],
    ]).equalPair,
  ).toEqual([0]);
});

it('reports better answers that are nearly always longer', () => {
  const longer: [number[], number[]] = [[3, 4, 5], [3]];
  const shorter: [number[], number[]] = [[3], [4, 5]];
  expect(found([longer, longer, longer, longer, shorter]).lengthBias).toEqual([0, 1, 2, 3]);
  expect(found([longer, longer, longer, shorter, shorter]).lengthBias).toEqual([]);
  // Too few to say.
  expect(found([longer, longer]).lengthBias).toEqual([]);
});
