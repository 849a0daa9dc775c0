import { evalSizeOf } from '../../../base/config/evaluationSplit.ts';
import type { Recipe } from '../../../base/config/recipe.ts';
import { hexOf } from '../../../base/lib/bytes.ts';
import { createContentHash, takeDigest } from '../../../base/lib/contentHash.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { splitRows } from '../tokens/split.ts';
import { countTrainedTokens, countWeightedTokens, type TokenRows } from '../tokens/tokenRows.ts';
import type { StreamedRows } from '../tokens/trainRows.ts';
import type { ShardRows } from './shardRows.ts';

/** The most rows of streamed data that are held out: they are in memory, and every evaluation passes all of them. */
export const MAX_HELD_OUT = 10_000;

/**
 * Holds out rows of streamed data exactly as `splitDataset` does of data in memory. Throws `data.bad_split`,
 * `data.held_out_too_many`.
 */
export async function splitStreamed(
  rows: ShardRows,
  evalFraction: Recipe['eval_fraction'],
  seed: number,
): Promise<{ train: StreamedRows; evaluation: TokenRows | null }> {
  const { sources } = rows;
  // Rows of the same parsed row follow each other.
  const firsts: number[] = [];
  for (let row = 0; row < sources.length; row++)
    if (row === 0 || sources[row] !== sources[row - 1]) firsts.push(row);
  const size = evalSizeOf(evalFraction, firsts.length);
  const wanted = size < 1 ? Math.round(firsts.length * size) : size;
  if (wanted > MAX_HELD_OUT) throw new GraftError('data.held_out_too_many', { wanted, most: MAX_HELD_OUT });
  const split = splitRows(firsts.length, evalFraction, seed);
  const heldOut = split.eval.flatMap((group) => {
    const [start, end] = [firsts[group]!, firsts[group + 1] ?? sources.length];
    return Array.from({ length: end - start }, (_, i) => start + i);
  });
  return withoutRows(rows, heldOut);
}

/** The rows but for some, in ascending order, which are read. */
export async function withoutRows(
  rows: StreamedRows,
  heldOut: readonly number[],
): Promise<{ train: StreamedRows; evaluation: TokenRows | null }> {
  if (heldOut.length === 0) return { train: rows, evaluation: null };
  const evaluation = await rows.read(heldOut);
  const aside = new Set(heldOut);
  const { tokens, targets, weighted } = rows.shapes;
  const kept = Uint32Array.from({ length: tokens.length - aside.size });
  for (let row = 0, at = 0; row < tokens.length; row++) if (!aside.has(row)) kept[at++] = row;
  const hasher = await createContentHash();
  hasher.update(JSON.stringify([rows.digest, heldOut]));
  const { counts } = rows;
  const train: StreamedRows = {
    shapes: {
      tokens: kept.map((row) => tokens[row]!),
      targets: kept.map((row) => targets[row]!),
      weighted,
    },
    counts: {
      tokens: counts.tokens - evaluation.ids.length,
      trained: counts.trained - countTrainedTokens(evaluation),
      weighted: counts.weighted - countWeightedTokens(evaluation),
    },
    digest: hexOf(takeDigest(hasher)),
    place: { ...rows.place, heldOut: [...heldOut] },
    read: (some) => rows.read(some.map((row) => kept[row]!)),
  };
  return { train, evaluation };
}
