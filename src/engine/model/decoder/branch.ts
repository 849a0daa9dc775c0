import type { Tensor } from '../../gpu/tensor.ts';
import { addScaled } from '../../kernels/addScaled.ts';
import type { DecoderSpec } from '../spec/spec.ts';
import type { BlockWeights } from '../weights/weights.ts';
import { activation } from './activations.ts';
import { normBackward, normForward } from './norm.ts';
import type { Pass } from './pass.ts';

/** The two halves of a block: what each adds to the residual stream. */
export type Half = 'mixer' | 'mlp';

const NORMS = {
  mixer: { before: 'beforeAttention', after: 'afterAttention' },
  mlp: { before: 'beforeMlp', after: 'afterMlp' },
} as const;

/**
 * Where the last product of a half goes: to the residual stream itself, or where that needs more than a sum, to a tensor
 * of its own.
 */
interface BranchActivations {
  /** [T, d] f32, what the last product computes. */
  branch: Tensor;
  /** [T] f32, of the norm after it. */
  rstd: Tensor;
}

/** Whether a half has a norm after it. */
export function hasNormAfter({ names }: DecoderSpec, half: Half): boolean {
  return names.norms[NORMS[half].after] !== null;
}

/** Whether what a half computes is changed before it is added to the residual stream. */
export function hasBranch(spec: DecoderSpec, half: Half): boolean {
  return hasNormAfter(spec, half) || spec.residualMultiplier !== 1;
}

/** Of a half that has a branch. */
export function branchOf(pass: Pass, half: Half): BranchActivations {
  const { rows, spec } = pass;
  return {
    branch: activation(pass, `branch of ${half}`, 'f32', [rows, spec.hiddenSize]),
    rstd: activation(pass, `branch rstd of ${half}`, 'f32', [rows, 1]),
  };
}

/**
 * The input of a half: norm(x), or x where there is no norm before it.
 * @param x [T, d] f32
 * @param y [T, d] of the pass's type
 */
export function normBefore(
  pass: Pass,
  half: Half,
  weights: BlockWeights,
  { x, y, rstd }: { x: Tensor; y: Tensor; rstd: Tensor },
): void {
  const { commands, spec, rows } = pass;
  const { before } = NORMS[half];
  if (spec.names.norms[before] === null) {
    addScaled(commands, { x, y, count: rows * spec.hiddenSize, scale: 1 });
  } else {
    normForward(pass, { x, weight: weights.norms[before], y, rstd, rows });
  }
}

/**
 * The gradient of `normBefore`, added to that of the residual stream.
 * @param dy [T, d] f32
 * @param dHidden [T, d] f32
 * @param own the gradients of the block's trained weights
 */
export function normBeforeBackward(
  pass: Pass,
  half: Half,
  weights: BlockWeights,
  {
    x,
    dy,
    rstd,
    dHidden,
    own,
  }: { x: Tensor; dy: Tensor; rstd: Tensor; dHidden: Tensor; own: BlockWeights | null },
): void {
  const { commands, spec, rows } = pass;
  const { before } = NORMS[half];
  if (spec.names.norms[before] === null) {
    addScaled(commands, { x: dy, y: dHidden, residual: dHidden, count: rows * spec.hiddenSize, scale: 1 });
    return;
  }
  const gradient = own?.norms[before] ?? null;
  const norm = { dy, x, weight: weights.norms[before], rstd, rows, gradient };
  normBackward(pass, { ...norm, dx: dHidden, accumulate: true });
}

/**
 * y = x + what a branch becomes: its norm, or a multiple of it.
 * @param x, y [T, d] f32, different buffers
 */
export function addBranch(
  pass: Pass,
  half: Half,
  weights: BlockWeights,
  { x, y }: { x: Tensor; y: Tensor },
): void {
  const { commands, spec, rows } = pass;
  const { branch, rstd } = branchOf(pass, half);
  const { after } = NORMS[half];
  if (hasNormAfter(spec, half)) {
    normForward(pass, { x: branch, weight: weights.norms[after], y, rstd, rows, residual: x });
  } else {
    const count = rows * spec.hiddenSize;
    addScaled(commands, { x: branch, y, residual: x, count, scale: spec.residualMultiplier });
  }
}

/** Computes what the backward pass needs of a norm after a half again; its result is not needed. */
export function recomputeNormAfter(pass: Pass, half: Half, weights: BlockWeights): void {
  const { workspace, spec, rows } = pass;
  const { branch, rstd } = branchOf(pass, half);
  const y = workspace.get('dBranch', 'f32', [rows, spec.hiddenSize]);
  normForward(pass, { x: branch, weight: weights.norms[NORMS[half].after], y, rstd, rows });
}

/**
 * The gradient of a half's last product, given that of the residual stream after it: the same tensor where the product
 * is added as it is.
 * @param dHidden [T, d] f32
 */
export function branchBackward(
  pass: Pass,
  half: Half,
  weights: BlockWeights,
  { dHidden, own }: { dHidden: Tensor; own: BlockWeights | null },
): Tensor {
  const { commands, workspace, spec, rows } = pass;
  if (!hasBranch(spec, half)) return dHidden;
  const dx = workspace.get('dBranch', 'f32', [rows, spec.hiddenSize]);
  const { after } = NORMS[half];
  if (hasNormAfter(spec, half)) {
    const { branch, rstd } = branchOf(pass, half);
    const gradient = own?.norms[after] ?? null;
    const norm = { dy: dHidden, x: branch, weight: weights.norms[after], rstd, rows, gradient };
    normBackward(pass, { ...norm, dx, accumulate: false });
  } else {
    const count = rows * spec.hiddenSize;
    addScaled(commands, { x: dHidden, y: dx, count, scale: spec.residualMultiplier });
  }
  return dx;
}
