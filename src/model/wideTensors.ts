import { reshape, type Tensor } from '../gpu/tensor.ts';
import { swigluGradientStride } from '../kernels/swiglu.ts';
import { activation } from './activations.ts';
import type { Pass } from './pass.ts';
import { groupsOf } from './siblings.ts';

/** Rows of a part come in multiples of this, so that it begins where a binding may. */
const ROW_UNIT = 128;

/**
 * Tokens that pass the second half of a block at once: none needs another there, and gate and up of all may be more than
 * a binding holds.
 */
export function mlpRows({ commands, rows, spec }: Pass): number {
  const bytes = 4 * groupsOf(spec).gateUp.width;
  const most = Math.floor(commands.gpu.maxBinding / bytes / ROW_UNIT) * ROW_UNIT;
  return Math.min(rows, Math.max(ROW_UNIT, most));
}

/**
 * The widest activations of a block, which take the same memory in turn: q, k and v as the product leaves them (where no
 * head norm needs them again), then gate and up.
 */
export function wideActivations(pass: Pass, shape: readonly number[]): Tensor {
  const { qkv, gateUp } = groupsOf(pass.spec);
  const attention = pass.spec.qkNorm ? 0 : pass.rows * qkv.width;
  // Room for the largest from the first use on: a tensor that grew would replace one that commands still use.
  const largest = Math.max(attention, mlpRows(pass) * gateUp.width);
  return reshape(activation(pass, 'wide activations', pass.type, [largest]), shape);
}

/**
 * The widest gradients, in turn: of what SwiGLU makes, of attention's output, of q, k and v beside each other. A pass of
 * some tokens takes what one of all has made.
 */
export function wideGradients(pass: Pass, shape: readonly number[]): Tensor {
  const { type, spec } = pass;
  const { qkv, o } = groupsOf(spec);
  const activated = swigluGradientStride(type, spec.ffnSize);
  const sizes = [pass.rows * qkv.width, pass.rows * o.inFeatures, mlpRows(pass) * activated];
  return reshape(pass.workspace.get('wide gradients', 'f32', [Math.max(...sizes)]), shape);
}
