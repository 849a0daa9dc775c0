import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { flatGroups } from './grid.ts';

const WG = 128;
/** Threads that reduce over a head. */
const LANES = 8;

/** RMSNorm of each head of x, times silu(z); the weight is shared by the heads. */
export interface GatedNorm {
  /** T */
  rows: number;
  heads: number;
  /** D */
  headDim: number;
  /** [T, heads, D] f32 */
  x: Tensor;
  /** [T, stride] f32 or f16, of which columns from `start` on hold z. */
  projected: Tensor;
  stride: number;
  start: number;
  /** [D] f32 */
  weight: Tensor;
  eps: number;
}

/**
 * y = x · rstd · weight · silu(z), as Qwen3.5 does after its gated delta rule.
 * @param y [T, heads, D] of the type of projected
 */
export function gatedRmsNorm(commands: Commands, { y, ...norm }: GatedNorm & { y: Tensor }): void {
  run(commands, 'gated_rms_norm', norm, { y });
}

/**
 * The gradient of `gatedRmsNorm`.
 * @param dy [T, heads, D] f32
 * @param dx in the layout of x
 * @param dProjected [T, stride] f32, of which the columns of z are written
 * @param dWeight [T, D] f32, overwritten with each token's gradient of the weight; null if it is frozen
 */
export function gatedRmsNormBackward(
  commands: Commands,
  {
    dy,
    dx,
    dProjected,
    dWeight,
    ...norm
  }: GatedNorm & { dy: Tensor; dx: Tensor; dProjected: Tensor; dWeight: Tensor | null },
): void {
  const tensors = { dy, dx, d_projected: dProjected, ...(dWeight && { d_weight: dWeight }) };
  run(commands, 'gated_rms_norm_backward', norm, tensors, { TRAINED: dWeight !== null });
}

function run(
  commands: Commands,
  shader: string,
  { rows, heads, headDim, x, projected, stride, start, weight, eps }: GatedNorm,
  tensors: Record<string, Tensor>,
  constants: Record<string, boolean> = {},
): void {
  commands.run(
    shader,
    { E: projected.type, WG, HEADS: heads, D: headDim, LANES, ...constants },
    { x, projected, weight, ...tensors },
    { rows, stride, of_z: start, eps },
    flatGroups(rows),
  );
}
