import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { ELEMENTWISE_THREADS as WG, elementGroups } from './elementwise.ts';

/**
 * y += x, element by element.
 * @param x [count] f32 or f16
 * @param y [count] f32, another buffer
 */
export function add(commands: Commands, { x, y, count }: { x: Tensor; y: Tensor; count: number }): void {
  commands.run('add', { X: x.type, WG }, { x, y }, { count }, elementGroups(count));
}

/**
 * y[t, :] += bias over rows.
 * @param y [rows, n] f32 or f16
 * @param bias [n] f32
 */
export function biasAdd(
  commands: Commands,
  { y, bias, rows }: { y: Tensor; bias: Tensor; rows: number },
): void {
  const [dim = 0] = bias.shape;
  const count = rows * dim;
  commands.run('bias_add', { E: y.type, WG }, { bias, y }, { count, dim }, elementGroups(count));
}
