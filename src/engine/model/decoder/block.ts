import type { Tensor } from '../../gpu/tensor.ts';
import { activation } from './activations.ts';
import { addBranch, branchBackward, branchOf, hasBranch, normBefore, normBeforeBackward } from './branch.ts';
import { groupBackward, groupForward } from './linear.ts';
import { mixerFor } from './mixers/mixerOf.ts';
import type { LayerState, MixedTensors } from './mixers/mixer.ts';
import { mlpBackward, mlpForward } from './mlp.ts';
import type { ParameterBuffers } from './parameters.ts';
import type { Pass } from './pass.ts';
import { groupsOf } from '../spec/fusedProjections.ts';
import { activeTrainable } from '../trained/trainable.ts';
import type { BlockWeights } from '../weights/weights.ts';
import { mixerActivations, wideGradients } from './wideTensors.ts';

/**
 * Activations of the first half that its backward pass needs, besides what the mixer keeps. Usually scratch memory:
 * with gradient checkpointing only the block's input is stored, and the backward pass recomputes the rest
 * (`Pass.activationSuffix`).
 */
interface Activations extends MixedTensors {
  norm1: Tensor;
  rstd1: Tensor;
  /** Residual stream after the mixer, f32. */
  middle: Tensor;
}

/**
 * One decoder block: middle = x + o(mix(norm(x))), y = middle + down(glu(norm(middle))), where a family may have norms
 * and factors elsewhere (branch.ts), and what mixes tokens depends on the layer (mixers/).
 * @param x [T, d] f32 residual stream, read only
 * @param y [T, d] f32; may be x
 * @param state of the mixer when decoding; the new tokens are written at `length`, which the caller advances
 */
export function blockForward(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  { x, y, state = null }: { x: Tensor; y: Tensor; state?: LayerState | null },
): void {
  const { middle } = mixerForward(pass, layer, weights, x, state);
  mlpForward(pass, layer, weights, { x: middle, y });
}

function mixerForward(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  x: Tensor,
  state: LayerState | null = null,
): Activations {
  const { spec } = pass;
  const mixer = spec.mixerOf(layer);
  const { mixerIn, mixerOut } = groupsOf(spec, mixer);
  const at = activationsOf(pass, layer);
  const { norm1, projected, mixed, middle } = at;
  normBefore(pass, 'mixer', weights, { x, y: norm1, rstd: at.rstd1 });
  groupForward(pass, { layer, group: mixerIn }, weights.groups.mixerIn, { x: norm1, y: projected });
  mixerFor(mixer).forward({ pass, layer, weights }, { projected, mixed, state });
  const output = { layer, group: mixerOut };
  if (hasBranch(spec, 'mixer')) {
    const { branch } = branchOf(pass, 'mixer');
    groupForward(pass, output, weights.groups.mixerOut, { x: mixed, y: branch });
    addBranch(pass, 'mixer', weights, { x, y: middle });
  } else {
    groupForward(pass, output, weights.groups.mixerOut, { x: mixed, y: middle, residual: x });
  }
  return at;
}

/**
 * The backward pass of a block: recomputes its forward pass from x, turns d loss/d y into d loss/d x in place, and
 * accumulates the gradients of the trained parameters into `grads`.
 * @param x [T, d] f32 the block's input, stored by the forward pass
 * @param dHidden [T, d] f32, d loss/d y in, d loss/d x out
 * @param isFresh the activations are still in the workspace, so nothing is recomputed
 */
export function blockBackward(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  {
    x,
    dHidden,
    grads,
    isFresh = false,
  }: { x: Tensor; dHidden: Tensor; grads: ParameterBuffers; isFresh?: boolean },
): void {
  const { rows, spec } = pass;
  const at = isFresh ? activationsOf(pass, layer) : mixerForward(pass, layer, weights, x);
  // Allocated for all tokens before the MLP's parts use some of it.
  const dMixed = wideGradients(pass, [rows, groupsOf(spec, spec.mixerOf(layer)).mixerOut.inFeatures]);
  mlpBackward(pass, layer, weights, { x: at.middle, dHidden, grads, isFresh });
  mixerBackward(pass, layer, weights, at, { x, dMixed, dHidden, grads });
}

function mixerBackward(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  { norm1, rstd1, projected, mixed }: Activations,
  { x, dMixed, dHidden, grads }: { x: Tensor; dMixed: Tensor; dHidden: Tensor; grads: ParameterBuffers },
): void {
  const { workspace, spec, rows } = pass;
  const mixer = spec.mixerOf(layer);
  const { mixerIn, mixerOut } = groupsOf(spec, mixer);
  const own = activeTrainable(pass)?.block(layer, grads) ?? null;
  const dNorm = workspace.get('dNorm', 'f32', [rows, spec.hiddenSize]);
  const dy = branchBackward(pass, 'mixer', weights, { dHidden, own });
  const output = { x: mixed, dy, dx: dMixed, grads };
  groupBackward(pass, { layer, group: mixerOut }, weights.groups.mixerOut, output);
  const tensors = { projected, mixed, dMixed, own };
  const dProjected = mixerFor(mixer).backward({ pass, layer, weights }, tensors);
  const input = { x: norm1, dy: dProjected, dx: dNorm, grads };
  groupBackward(pass, { layer, group: mixerIn }, weights.groups.mixerIn, input);
  normBeforeBackward(pass, 'mixer', weights, { x, dy: dNorm, rstd: rstd1, dHidden, own });
}

function activationsOf(pass: Pass, layer: number): Activations {
  const { spec, rows, type } = pass;
  const { hiddenSize } = spec;
  return {
    norm1: activation(pass, 'norm1', type, [rows, hiddenSize]),
    rstd1: activation(pass, 'rstd1', 'f32', [rows, 1]),
    ...mixerActivations(pass, spec.mixerOf(layer)),
    middle: activation(pass, 'middle', 'f32', [rows, hiddenSize]),
  };
}
