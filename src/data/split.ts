import { GraftError } from '../lib/errors.ts';
import { createRandom, shuffle } from '../lib/random.ts';
import { selectRows, type TokenRows } from './tokenRows.ts';

/** Dataset rows for training and for evaluation, each in file order. */
export interface Split {
  train: number[];
  eval: number[];
}

/**
 * Sets rows aside for evaluation, chosen by `seed`: `evalSize` below 1 is a fraction of the rows (at least one row),
 * from 1 on a count; 0 sets none aside. Throws `data.bad_split` when no training row would be left.
 */
export function splitRows(rows: number, evalSize: number, seed: number): Split {
  const all = Array.from({ length: rows }, (_, i) => i);
  if (evalSize === 0) return { train: all, eval: [] };
  const wanted = evalSize < 1 ? Math.max(1, Math.round(rows * evalSize)) : Math.floor(evalSize);
  if (!(wanted > 0 && wanted < rows)) throw new GraftError('data.bad_split', { wanted, rows });
  const chosen = new Set(shuffle([...all], createRandom(seed).fork('eval split')).slice(0, wanted));
  return { train: all.filter((row) => !chosen.has(row)), eval: all.filter((row) => chosen.has(row)) };
}

/** Splits tokenized rows by `splitRows`; `evaluation` is null when nothing is set aside. Throws `data.bad_split`. */
export function splitDataset(
  dataset: TokenRows,
  evalSize: number,
  seed: number,
): { train: TokenRows; evaluation: TokenRows | null } {
  const { train, eval: kept } = splitRows(dataset.offsets.length - 1, evalSize, seed);
  if (kept.length === 0) return { train: dataset, evaluation: null };
  return { train: selectRows(dataset, train), evaluation: selectRows(dataset, kept) };
}
