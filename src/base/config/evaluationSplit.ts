import type { Recipe } from './recipe.ts';

/** From this many rows on, `auto` holds some out: of fewer, the few held out would say little and be missed. */
export const MIN_ROWS_TO_HOLD_OUT = 50;
/** The part that `auto` holds out, and the most rows: an evaluation should cost little beside the steps between two. */
const [SHARE, MAX_HELD_OUT] = [0.1, 50];

/**
 * How many rows are held out for evaluation, for the page, the command line and the API: a part below 1, a number of
 * rows from 1 on, 0 for none. `auto` holds out a tenth from 50 rows on, at most 50 rows, and none below.
 */
export function evalSizeOf(evalFraction: Recipe['eval_fraction'], rows: number): number {
  if (evalFraction !== 'auto') return evalFraction;
  return rows < MIN_ROWS_TO_HOLD_OUT ? 0 : Math.min(MAX_HELD_OUT, Math.round(rows * SHARE));
}

/** Whether a recipe may hold out rows, whatever the data. */
export function mayHoldOut({ eval_fraction }: Pick<Recipe, 'eval_fraction'>): boolean {
  return eval_fraction !== 0;
}
