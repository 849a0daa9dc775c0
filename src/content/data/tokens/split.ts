import { evalSizeOf } from '../../../base/config/evaluationSplit.ts';
import type { Recipe } from '../../../base/config/recipe.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { createRandom, shuffle } from '../../../base/lib/random.ts';
import { selectRows, type TokenRows } from './tokenRows.ts';

/** Dataset rows for training and for evaluation, each in file order. */
export interface Split {
  train: number[];
  eval: number[];
}

/**
 * Holds out rows for evaluation, chosen by `seed`, as many as `evalSizeOf` says: a fraction of the rows (at least one
 * row), from 1 a count, and 0 holds out none. Throws `data.bad_split` if no training row would be left.
 */
export function splitRows(rows: number, evalFraction: Recipe['eval_fraction'], seed: number): Split {
  const evalSize = evalSizeOf(evalFraction, rows);
  const all = Array.from({ length: rows }, (_, i) => i);
  if (evalSize === 0) return { train: all, eval: [] };
  const wanted = evalSize < 1 ? Math.max(1, Math.round(rows * evalSize)) : Math.floor(evalSize);
  if (!(wanted > 0 && wanted < rows)) throw new GraftError('data.bad_split', { wanted, rows });
  const chosen = new Set(shuffle([...all], createRandom(seed).fork('eval split')).slice(0, wanted));
  return { train: all.filter((row) => !chosen.has(row)), eval: all.filter((row) => chosen.has(row)) };
}

/**
 * Splits tokenized rows by `splitRows`; `evaluation` is null if none are held out. Rows from the same row of the file
 * (equal `sources`) stay together. Throws `data.bad_split`.
 */
export function splitDataset(
  dataset: TokenRows & { sources?: Uint32Array },
  evalFraction: Recipe['eval_fraction'],
  seed: number,
): { train: TokenRows; evaluation: TokenRows | null } {
  const rows = dataset.offsets.length - 1;
  const groups = [...(dataset.sources ?? Uint32Array.from({ length: rows }, (_, i) => i))];
  const sources = [...new Set(groups)];
  const split = splitRows(sources.length, evalFraction, seed);
  if (split.eval.length === 0) return { train: dataset, evaluation: null };
  const aside = new Set(split.eval.map((i) => sources[i]!));
  const rowsWhere = (isAside: boolean) =>
    groups.flatMap((source, row) => (aside.has(source) === isAside ? [row] : []));
  return {
    train: selectRows(dataset, rowsWhere(false)),
    evaluation: selectRows(dataset, rowsWhere(true)),
  };
}
