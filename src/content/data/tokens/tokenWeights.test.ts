import { describe, expect, it } from 'vitest';
import { withKnownTokens } from './retokenize.ts';
import type { Row } from '../files/row.ts';
import { rowShapes, selectShapes } from './rowShapes.ts';
import { joinTokenized, tokenizeRows } from './tokenize.ts';
import { countTrainedTokens, countWeightedTokens, selectRows, tokenRowsOf } from './tokenRows.ts';

const rows: Row[] = [2, 3, 4].map((length, i) => ({
  line: i + 1,
  value: { input_ids: Array.from({ length }, (_, at) => 10 * i + at) },
}));

function tokensOf(some: Row[], weights: number[] | null = null) {
  const options = { format: 'tokenized', tokenizer: null, maxLength: 9, vocabSize: 99 } as const;
  return {
    ...tokenizeRows({ name: 'rows.jsonl', rows: some }, options),
    weights: weights && Float32Array.from(weights),
  };
}

describe('weights', () => {
  it('default to 1 in rows without weights, and are null if no row has any', () => {
    const [plain, heavy] = [
      { ids: [1, 2], labels: [1, 2] },
      { ids: [3, 4, 5], labels: [-100, 4, 5], weights: [1, 0.5, 2] },
    ];
    expect(tokenRowsOf([plain, plain]).weights).toBeNull();
    const both = tokenRowsOf([plain, heavy]);
    expect(both.weights).toEqual(Float32Array.of(1, 1, 1, 0.5, 2));
    expect(selectRows(both, [1, 0, 1]).weights).toEqual(Float32Array.of(1, 0.5, 2, 1, 1, 1, 0.5, 2));
    // The first token of a row is never predicted.
    expect([countTrainedTokens(both), countWeightedTokens(both)]).toEqual([3, 2]);
    // The plan uses the weights of the selected rows.
    for (const which of [[0], [1], [1, 0]]) {
      expect(selectShapes(rowShapes(both), which)).toEqual(rowShapes(selectRows(both, which)));
    }
  });

  it('stay with their rows when datasets are joined', () => {
    const [first, second] = [tokensOf([rows[0]!, rows[1]!]), tokensOf([rows[2]!], [4, 3, 2, 1])];
    expect(joinTokenized([first, first]).weights).toBeNull();
    expect(joinTokenized([first, second]).weights).toEqual(Float32Array.of(1, 1, 1, 1, 1, 4, 3, 2, 1));
    expect(joinTokenized([second, first]).weights).toEqual(Float32Array.of(4, 3, 2, 1, 1, 1, 1, 1, 1));
  });

  it('stay with their rows when only some are tokenized again', () => {
    const known = { dataset: tokensOf([rows[0]!, rows[1]!], [5, 6, 7, 8, 9]), rows: [rows[0]!, rows[1]!] };
    const fresh = tokensOf([rows[2]!], [4, 3, 2, 1]);
    const again = (before: typeof known, made: typeof fresh) =>
      withKnownTokens([rows[2]!, rows[1]!], before, made).weights;
    expect(again(known, fresh)).toEqual(Float32Array.of(4, 3, 2, 1, 7, 8, 9));
    expect(again(known, tokensOf([rows[2]!]))).toEqual(Float32Array.of(1, 1, 1, 1, 7, 8, 9));
    const plain = { dataset: tokensOf([rows[0]!, rows[1]!]), rows: known.rows };
    expect(again(plain, fresh)).toEqual(Float32Array.of(4, 3, 2, 1, 1, 1, 1));
    expect(again(plain, tokensOf([rows[2]!]))).toBeNull();
  });
});
