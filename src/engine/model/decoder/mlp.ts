import { reshape, slice, type Tensor } from '../../gpu/tensor.ts';
import { glu, gluBackward, gluGradientStride } from '../../kernels/glu.ts';
import { activation } from './activations.ts';
import {
  addBranch,
  branchBackward,
  branchOf,
  hasBranch,
  hasNormAfter,
  recomputeNormAfter,
  normBefore,
  normBeforeBackward,
} from './branch.ts';
import { expertsBackward, expertsForward, recomputeExperts } from './experts.ts';
import { groupBackward, groupForward, recomputeGroup } from './linear.ts';
import type { ParameterBuffers } from './parameters.ts';
import type { Pass } from './pass.ts';
import { groupsOf } from '../spec/fusedProjections.ts';
import type { DecoderSpec } from '../spec/spec.ts';
import { activeTrainable } from '../trained/trainable.ts';
import type { BlockWeights } from '../weights/weights.ts';
import { mlpRows, wideActivations, wideGradients } from './wideTensors.ts';

/** Activations that the backward pass needs. */
interface MlpActivations {
  norm: Tensor;
  rstd: Tensor;
}

/** Those of an MLP of linear layers. */
interface DenseActivations {
  /** gate and up next to each other. */
  gateUp: Tensor;
  activated: Tensor;
}

/**
 * y = x + down(glu(norm(x))), where experts take the place of the MLP or are added to it; some tokens at a time if all
 * exceed a binding.
 * @param x, y [T, d] f32
 */
export function mlpForward(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  { x, y }: { x: Tensor; y: Tensor },
): void {
  for (const part of partsOf(pass)) {
    const residual = part.of(x);
    const at = activate(part.pass, layer, weights, residual);
    if (hasBranch(pass.spec, 'mlp')) {
      addOutputs(part.pass, layer, weights, at, { y: branchOf(part.pass, 'mlp').branch, residual: null });
      addBranch(part.pass, 'mlp', weights, { x: residual, y: part.of(y) });
    } else {
      addOutputs(part.pass, layer, weights, at, { y: part.of(y), residual });
    }
  }
}

/**
 * y = residual + what the MLP and experts compute.
 * @param residual [T, d] f32, may be y; null for none
 */
function addOutputs(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  { norm }: MlpActivations,
  { y, residual }: { y: Tensor; residual: Tensor | null },
): void {
  const { spec } = pass;
  const { dense, mixed } = partsIn(spec, layer);
  if (dense) {
    const down = { layer, group: groupsOf(spec).down };
    const { activated } = denseActivations(pass);
    groupForward(pass, down, weights.groups.down, { x: activated, y, residual });
  }
  if (mixed) expertsForward(pass, layer, weights, { x: norm, y, residual: dense ? y : residual });
}

/** Whether a layer has an MLP, and whether it has experts. */
function partsIn({ feedForwardOf }: DecoderSpec, layer: number): { dense: boolean; mixed: boolean } {
  const kind = feedForwardOf(layer);
  return { dense: kind !== 'experts', mixed: kind !== 'dense' };
}

/**
 * The gradient of `mlpForward`, which is recomputed from x as far as needed.
 * @param x [T, d] f32, @param dHidden [T, d] f32, d loss/d y in, d loss/d x out
 * @param isFresh the activations are still in the workspace, so nothing is recomputed
 */
export function mlpBackward(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  tensors: { x: Tensor; dHidden: Tensor; grads: ParameterBuffers; isFresh: boolean },
): void {
  const { rows } = pass;
  // Of several parts, only the last one's activations are left.
  const isCurrent = tensors.isFresh && mlpRows(pass) === rows;
  for (const part of partsOf(pass)) {
    const x = part.of(tensors.x);
    const at = activationsOf(part.pass);
    if (!isCurrent) {
      activate(part.pass, layer, weights, x);
      recomputeOutputs(part.pass, layer, weights, at);
    }
    const dHidden = part.of(tensors.dHidden);
    partBackward(part.pass, layer, weights, at, { ...tensors, x, dHidden });
  }
}

/** What the backward pass needs of the last products: `recomputeGroup`, and what a norm after them reads. */
function recomputeOutputs(pass: Pass, layer: number, weights: BlockWeights, at: MlpActivations): void {
  const { dense, mixed } = partsIn(pass.spec, layer);
  if (hasNormAfter(pass.spec, 'mlp')) {
    addOutputs(pass, layer, weights, at, { y: branchOf(pass, 'mlp').branch, residual: null });
    recomputeNormAfter(pass, 'mlp', weights);
    return;
  }
  if (dense) {
    const down = { layer, group: groupsOf(pass.spec).down };
    recomputeGroup(pass, down, weights.groups.down, denseActivations(pass).activated);
  }
  if (mixed) recomputeExperts(pass, layer, weights, at.norm);
}

function partBackward(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  at: MlpActivations,
  { x, dHidden, grads }: { x: Tensor; dHidden: Tensor; grads: ParameterBuffers },
): void {
  const { workspace, spec } = pass;
  const { norm, rstd } = at;
  const { dense, mixed } = partsIn(spec, layer);
  const own = activeTrainable(pass)?.block(layer, grads) ?? null;
  // Allocated for the widest before any command uses it.
  if (dense) denseGradient(pass);
  const dy = branchBackward(pass, 'mlp', weights, { dHidden, own });
  const dNorm = workspace.get('dNorm', 'f32', [pass.rows, spec.hiddenSize]);
  if (dense) denseBackward(pass, layer, weights, at, { dy, dx: dNorm, grads });
  if (mixed) expertsBackward(pass, layer, weights, { x: norm, dy, dx: dNorm, accumulate: dense, grads });
  normBeforeBackward(pass, 'mlp', weights, { x, dy: dNorm, rstd, dHidden, own });
}

/** The gradient of the MLP, without its norm. */
function denseBackward(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  { norm }: MlpActivations,
  { dy, dx, grads }: { dy: Tensor; dx: Tensor; grads: ParameterBuffers },
): void {
  const { commands, spec, rows } = pass;
  const { down, gateUp } = groupsOf(spec);
  const { gateUp: activations, activated } = denseActivations(pass);
  const { tensor: dActivated, ldx } = denseGradient(pass);
  const output = { x: activated, dy, dx: dActivated, ldx, grads };
  groupBackward(pass, { layer, group: down }, weights.groups.down, output);
  const inner = { gateUp: activations, dh: dActivated, rows, width: spec.ffnSize, form: spec.glu };
  const dGateUp = gluBackward(commands, inner);
  const input = { x: norm, dy: dGateUp, dx, grads };
  groupBackward(pass, { layer, group: gateUp }, weights.groups.gateUp, input);
}

function denseGradient(pass: Pass): { tensor: Tensor; ldx: number } {
  const ldx = gluGradientStride(pass.type, pass.spec.ffnSize, pass.spec.glu);
  return { tensor: wideGradients(pass, [pass.rows, ldx]), ldx };
}

/** The forward pass up to the activation. */
function activate(pass: Pass, layer: number, weights: BlockWeights, x: Tensor): MlpActivations {
  const { commands, spec, rows } = pass;
  const { ffnSize: width } = spec;
  const at = activationsOf(pass);
  const { norm, rstd } = at;
  normBefore(pass, 'mlp', weights, { x, y: norm, rstd });
  if (!partsIn(spec, layer).dense) return at;
  const { gateUp, activated } = denseActivations(pass);
  groupForward(pass, { layer, group: groupsOf(spec).gateUp }, weights.groups.gateUp, { x: norm, y: gateUp });
  glu(commands, { gateUp, h: activated, rows, width, form: spec.glu });
  return at;
}

function activationsOf(pass: Pass): MlpActivations {
  const { spec, rows, type } = pass;
  return {
    norm: activation(pass, 'norm2', type, [rows, spec.hiddenSize]),
    rstd: activation(pass, 'rstd2', 'f32', [rows, 1]),
  };
}

function denseActivations(pass: Pass): DenseActivations {
  const { spec, rows, type } = pass;
  return {
    gateUp: wideActivations(pass, [rows, groupsOf(spec).gateUp.width]),
    activated: activation(pass, 'activated', type, [rows, spec.ffnSize]),
  };
}

/** Some of the tokens: their pass, and `of` for their rows of a tensor [T, columns]. */
interface Part {
  pass: Pass;
  of(tensor: Tensor): Tensor;
}

function* partsOf(pass: Pass): Generator<Part> {
  const { rows, dropout, commands } = pass;
  const step = mlpRows(pass);
  if (step === rows) {
    yield { pass, of: (tensor) => tensor };
    return;
  }
  for (let start = 0; start < rows; start += step) {
    const count = Math.min(step, rows - start);
    // Dropout masks depend on the row index within the part, so each part needs its own seed.
    const mask = dropout && { ...dropout, seed: (dropout.seed + Math.imul(start, 0x85ebca6b)) >>> 0 };
    yield {
      pass: { ...pass, rows: count, dropout: mask },
      of: (tensor) => {
        const [, columns = 0] = tensor.shape;
        return slice(reshape(tensor, [rows, columns]), start * columns, [count, columns]);
      },
    };
    // A dry device counts memory, and no part needs more than the first.
    if (commands.gpu.dry) return;
  }
}
