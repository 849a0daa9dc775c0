import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { flatGroups } from './grid.ts';
import { reductionOf } from './reduction.ts';

/** Few threads per row on a CPU's vectors, since their sums are reduced serially. */
function reduction({ gpu }: Commands) {
  return reductionOf(gpu, gpu.kernelKind === 'vectors' ? 8 : 64);
}

/** The factors of a norm: offset + weight, [dim] f32, the offset 0 by default; null for a norm without any. */
export interface NormWeight {
  weight: Tensor | null;
  offset?: number;
}

/**
 * y = x · rstd · (offset + weight) over rows (Zhang & Sennrich, 2019), plus `residual`.
 * @param x [rows, dim] f32 or f16
 * @param y [rows, dim] f32 or f16
 * @param rstd [rows] f32, 1 / rms(x), for the backward pass
 * @param residual [rows, dim] f32, another buffer than y
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
    offset,
    residual = null,
  }: NormWeight & {
    x: Tensor;
    y: Tensor;
    rstd: Tensor;
    rows: number;
    eps: number;
    residual?: Tensor | null;
  },
): void {
  const dim = dimOf(weight, x);
  const constants = { X: x.type, E: y.type, ...reduction(commands), ...weightConstants({ weight, offset }) };
  commands.run(
    'rms_norm',
    { ...constants, ...(residual && { RESIDUAL: true }) },
    { x, ...(weight && { weight }), y, rstd, ...(residual && { residual }) },
    { rows, dim, eps },
    flatGroups(rows),
  );
}

/**
 * dx (+)= the gradient of `rmsNorm` with a frozen weight.
 * @param dy [rows, dim] f32
 * @param dx [rows, dim] f32; added to if `accumulate`
 */
export function rmsNormBackward(
  commands: Commands,
  tensors: NormWeight & {
    dy: Tensor;
    x: Tensor;
    rstd: Tensor;
    dx: Tensor;
    rows: number;
    accumulate: boolean;
  },
): void {
  const { dy, x, weight, rstd, dx, rows } = tensors;
  const dim = dimOf(weight, x);
  const params = { rows, dim, accumulate: Number(tensors.accumulate) };
  const constants = { X: x.type, ...reduction(commands), ...weightConstants(tensors) };
  const all = { dy, x, ...(weight && { weight }), rstd, dx };
  commands.run('rms_norm_backward', constants, all, params, flatGroups(rows));
}

function dimOf(weight: Tensor | null, x: Tensor): number {
  return (weight ?? x).shape.at(-1) ?? 0;
}

/** The constants of shaders that multiply by a norm's weight. */
export function weightConstants({ weight, offset = 0 }: NormWeight): Record<string, number | boolean> {
  if (!weight) return { WEIGHTLESS: true };
  return offset === 0 ? {} : { OFFSET: offset };
}
