import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { assert } from '../../base/lib/errors.ts';
import { ELEMENTWISE_THREADS as WG, elementGroups } from './elementwise.ts';

/** Elements whose hash is below this are dropped: p · 2^32 as u32. */
export function dropoutThreshold(p: number): number {
  return Math.min(Math.round(p * 2 ** 32), 2 ** 32 - 1);
}

/**
 * y (+)= x / (1 − p) for elements that survive, 0 for dropped ones. The mask depends on (seed, index) alone, so the
 * same seed repeats it on the gradient.
 * @param x [count] f32 or f16
 * @param y [count] f32 or f16, another buffer; added to if `accumulate`
 * @param p probability of dropping, 0 ≤ p < 1
 * @param seed u32
 * @param columns, ldy if y is a column range of wider rows: elements per row of x, and the row stride of y
 */
export function dropout(
  commands: Commands,
  options: {
    x: Tensor;
    y: Tensor;
    count: number;
    p: number;
    seed: number;
    accumulate: boolean;
    columns?: number;
    ldy?: number;
  },
): void {
  const { x, y, count, p, seed, columns = count, ldy = count } = options;
  assert(p >= 0 && p < 1, `dropout of ${p}`);
  const params = {
    count,
    seed,
    threshold: dropoutThreshold(p),
    scale: 1 / (1 - p),
    accumulate: Number(options.accumulate),
    columns,
    ldy,
  };
  commands.run('dropout', { X: x.type, E: y.type, WG }, { x, y }, params, elementGroups(count));
}
