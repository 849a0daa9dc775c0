import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { flatGroups } from './grid.ts';
import { isNarrow } from './narrow.ts';

/** Threads that share a row: on a processor's vectors few, since they add up one after the other. */
function threadsOf({ gpu }: Commands): number {
  return isNarrow(gpu.subgroupSize) ? 8 : 64;
}

/**
 * y = x · rstd · weight over rows (Zhang & Sennrich, 2019).
 * @param x [rows, dim] f32 or f16
 * @param weight [dim] f32
 * @param y [rows, dim] f32 or f16
 * @param rstd [rows] f32, kept for the backward pass
 */
export function rmsNorm(
  commands: Commands,
  {
    x,
    weight,
    y,
    rstd,
    rows,
    eps,
  }: { x: Tensor; weight: Tensor; y: Tensor; rstd: Tensor; rows: number; eps: number },
): void {
  const [dim = 0] = weight.shape;
  commands.run(
    'rms_norm',
    { X: x.type, E: y.type, WG: threadsOf(commands) },
    { x, weight, y, rstd },
    { rows, dim, eps },
    flatGroups(rows),
  );
}

/**
 * dx (+)= the gradient of `rmsNorm` with a frozen weight.
 * @param dy [rows, dim] f32
 * @param dx [rows, dim] f32; added to when `accumulate`
 */
export function rmsNormBackward(
  commands: Commands,
  tensors: {
    dy: Tensor;
    x: Tensor;
    weight: Tensor;
    rstd: Tensor;
    dx: Tensor;
    rows: number;
    accumulate: boolean;
  },
): void {
  const { dy, x, weight, rstd, dx, rows } = tensors;
  const [dim = 0] = weight.shape;
  const params = { rows, dim, accumulate: Number(tensors.accumulate) };
  const constants = { X: x.type, WG: threadsOf(commands) };
  commands.run('rms_norm_backward', constants, { dy, x, weight, rstd, dx }, params, flatGroups(rows));
}
