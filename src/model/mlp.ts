import { reshape, slice, type Tensor } from '../gpu/tensor.ts';
import { rmsNorm } from '../kernels/rmsNorm.ts';
import { swiglu, swigluBackward, swigluGradientStride } from '../kernels/swiglu.ts';
import { activation } from './activations.ts';
import { groupBackward, groupForward } from './linear.ts';
import { loraHidden } from './loraProducts.ts';
import { normBackward } from './norm.ts';
import type { ParameterBuffers } from './parameters.ts';
import type { Pass } from './pass.ts';
import { groupsOf } from './siblings.ts';
import { inUse } from './trainable.ts';
import type { BlockWeights } from './weights.ts';
import { mlpRows, wideActivations, wideGradients } from './wideTensors.ts';

/** What the backward pass needs of the forward pass. */
interface MlpActivations {
  norm: Tensor;
  rstd: Tensor;
  /** gate and up beside each other. */
  gateUp: Tensor;
  activated: Tensor;
}

/**
 * y = x + down(swiglu(norm(x)))
 * @param x, y [T, d] f32
 */
export function mlpForward(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  { x, y }: { x: Tensor; y: Tensor },
): void {
  const place = { layer, group: groupsOf(pass.spec).down };
  for (const part of partsOf(pass)) {
    const residual = part.of(x);
    const { activated } = activate(part.pass, layer, weights, residual);
    groupForward(part.pass, place, weights.groups.down, { x: activated, y: part.of(y), residual });
  }
}

/**
 * The gradient of `mlpForward`, which runs again from x as far as it is needed.
 * @param x [T, d] f32, @param dHidden [T, d] f32, d loss/d y in, d loss/d x out
 * @param isFresh the forward pass was the last to use the workspace, so it need not run again
 */
export function mlpBackward(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  tensors: { x: Tensor; dHidden: Tensor; grads: ParameterBuffers; isFresh: boolean },
): void {
  const { spec, rows } = pass;
  const { down } = groupsOf(spec);
  // Of several parts only the last is still there.
  const isThere = tensors.isFresh && mlpRows(pass) === rows;
  for (const part of partsOf(pass)) {
    const x = part.of(tensors.x);
    const at = activationsOf(part.pass);
    if (!isThere) {
      activate(part.pass, layer, weights, x);
      loraHidden(part.pass, { layer, group: down }, at.activated);
    }
    const dHidden = part.of(tensors.dHidden);
    partBackward(part.pass, layer, weights, at, { ...tensors, x, dHidden });
  }
}

function partBackward(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  { norm, rstd, gateUp: activations, activated }: MlpActivations,
  { x, dHidden, grads }: { x: Tensor; dHidden: Tensor; grads: ParameterBuffers },
): void {
  const { commands, workspace, spec, rows, type } = pass;
  const { down, gateUp } = groupsOf(spec);
  const ldx = swigluGradientStride(type, spec.ffnSize);
  const dActivated = wideGradients(pass, [rows, ldx]);
  const output = { x: activated, dy: dHidden, dx: dActivated, ldx, grads };
  groupBackward(pass, { layer, group: down }, weights.groups.down, output);
  const inner = { gateUp: activations, dh: dActivated, rows, width: spec.ffnSize };
  const dGateUp = swigluBackward(commands, inner);
  const dNorm = workspace.get('dNorm', 'f32', [pass.rows, spec.hiddenSize]);
  groupBackward(pass, { layer, group: gateUp }, weights.groups.gateUp, {
    x: norm,
    dy: dGateUp,
    dx: dNorm,
    grads,
  });
  const input = { dy: dNorm, x, weight: weights.postNorm, rstd };
  const gradient = inUse(pass)?.block(layer, grads)?.postNorm ?? null;
  normBackward(pass, { ...input, dx: dHidden, rows, accumulate: true, gradient });
}

/** As far as what SwiGLU makes. */
function activate(pass: Pass, layer: number, weights: BlockWeights, x: Tensor): MlpActivations {
  const { commands, spec, rows } = pass;
  const { ffnSize: width, normEps: eps } = spec;
  const at = activationsOf(pass);
  const { norm, rstd, gateUp, activated } = at;
  rmsNorm(commands, { x, weight: weights.postNorm, y: norm, rstd, rows, eps });
  const place = { layer, group: groupsOf(spec).gateUp };
  groupForward(pass, place, weights.groups.gateUp, { x: norm, y: gateUp });
  swiglu(commands, { gateUp, h: activated, rows, width });
  return at;
}

function activationsOf(pass: Pass): MlpActivations {
  const { spec, rows, type } = pass;
  return {
    norm: activation(pass, 'norm2', type, [rows, spec.hiddenSize]),
    rstd: activation(pass, 'rstd2', 'f32', [rows, 1]),
    gateUp: wideActivations(pass, [rows, groupsOf(spec).gateUp.width]),
    activated: activation(pass, 'activated', type, [rows, spec.ffnSize]),
  };
}

/** Some of the tokens: the pass for them, and their rows of a tensor [T, columns]. */
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
    // Masks depend on a row's place in what it is given: each part needs a seed of its own.
    const mask = dropout && { ...dropout, seed: (dropout.seed + Math.imul(start, 0x85ebca6b)) >>> 0 };
    yield {
      pass: { ...pass, rows: count, dropout: mask },
      of: (tensor) => {
        const [, columns = 0] = tensor.shape;
        return slice(reshape(tensor, [rows, columns]), start * columns, [count, columns]);
      },
    };
    // A dry device counts memory, and no part takes more than the first.
    if (commands.gpu.dry) return;
  }
}
