import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { rowGroups } from './grid.ts';

const WG = 128;

/** Pairs of a token and one of its experts, sorted by expert. All u32. */
export interface ExpertOrder {
  /** [experts + 1]: the first place of each expert, and the end of the last. */
  starts: Tensor;
  /** [pairs]: the pair at each place: token · top + j for the token's j-th expert. */
  pairs: Tensor;
  /** [pairs]: its token. */
  tokens: Tensor;
  /** [pairs]: the place of each pair. */
  places: Tensor;
}

/**
 * Sorts pairs by expert, those of an expert in the order of their tokens.
 * @param chosen [tokens, top] u32
 */
export function sortByExpert(
  commands: Commands,
  { chosen, order, count }: { chosen: Tensor; order: ExpertOrder; count: number },
  { experts, top }: { experts: number; top: number },
): void {
  const { starts, pairs, tokens, places } = order;
  const bound = { chosen, starts, pairs, tokens, places };
  commands.run('sort_by_expert', {}, bound, { pairs: count, top }, [experts]);
}

/**
 * y[row] = the sum of the token's rows of x, in the order of its experts (+ residual).
 * @param x [tokens · top, dim] f32, sorted by expert
 * @param y [tokens, dim] f32
 * @param residual likewise, may be y; null for none
 */
export function sumPlaces(
  commands: Commands,
  { x, places, y, rows, dim, top, residual }: SummedPlaces,
): void {
  const inPlace = residual?.buffer === y.buffer;
  const other = inPlace ? null : residual;
  const constants = { WG, ACCUMULATE: inPlace, RESIDUAL: other !== null };
  const tensors = { x, places, y, ...(other && { residual: other }) };
  commands.run('sum_places', constants, tensors, { rows, dim, top }, rowGroups(Math.ceil(dim / WG), rows));
}

/** Of `sumPlaces`. */
export interface SummedPlaces {
  x: Tensor;
  places: Tensor;
  y: Tensor;
  rows: number;
  dim: number;
  top: number;
  residual: Tensor | null;
}
