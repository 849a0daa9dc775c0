import type { Recipe } from '../../../base/config/recipe.ts';
import type { Sheet } from '../rows/sheet.ts';
import { splitRows } from '../tokens/split.ts';
import type { TokenCache } from './tokenCache.ts';

/** Which tokenized rows are trained on and which are held out for evaluation, in file order. */
export interface DatasetSplit {
  train: number[];
  evaluation: number[];
}

/**
 * Splits the tokenized rows of a sheet by `splitRows`. Tokenized rows that were made of one row stay together. Excluded
 * rows take part, so that excluding one moves no other between training and evaluation; so are added rows trained on, all
 * of them, since one more row would deal all anew. Throws `data.bad_split`.
 */
export function splitSheet(
  sheet: Sheet,
  tokens: TokenCache,
  evalFraction: Recipe['eval_fraction'],
  seed: number,
): DatasetSplit {
  // What is split: for each position that has tokens or is excluded, its tokenized rows.
  const groups: (readonly number[])[] = [];
  const added: number[] = [];
  for (let position = 0; position < sheet.length; position++) {
    const excluded = sheet.isExcluded(position);
    const row = excluded ? null : sheet.row(position);
    const tokenized = row ? tokens.tokenizedRows(row) : [];
    if (sheet.isAdded(position)) added.push(...tokenized);
    else if (excluded || tokenized.length > 0) groups.push(tokenized);
  }
  const split = splitRows(groups.length, evalFraction, seed);
  const rowsOf = (chosen: readonly number[]) => chosen.flatMap((group) => groups[group]!);
  return { train: [...rowsOf(split.train), ...added], evaluation: rowsOf(split.eval) };
}
