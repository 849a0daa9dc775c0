import { reshape, type ElementType, type Tensor } from '../gpu/tensor.ts';
import { attention, attentionBackward } from '../kernels/attention.ts';
import { rmsNorm, rmsNormBackward } from '../kernels/rmsNorm.ts';
import { headElements, headsIn, rope, ropeBackward, type Heads } from '../kernels/rope.ts';
import { swiglu, swigluBackward } from '../kernels/swiglu.ts';
import { groupBackward, groupForward } from './linear.ts';
import { loraHidden } from './loraProducts.ts';
import type { ParameterBuffers } from './parameters.ts';
import type { Pass } from './pass.ts';
import { groupsOf } from './siblings.ts';
import type { BlockWeights } from './weights.ts';

/** Keys and values of earlier tokens of one layer: [capacity, kvHeads, headDim], `length` of them filled. */
export interface LayerCache {
  k: Tensor;
  v: Tensor;
  length: number;
}

/**
 * What a block computes on the way and its backward pass needs again. The tensors are scratch: with gradient
 * checkpointing only the block's input is kept, and the backward pass runs the forward pass once more.
 */
interface Activations {
  norm1: Tensor;
  rstd1: Tensor;
  /** q, k and v beside each other, as the product leaves them: before RoPE and the heads' norms. */
  qkv: Tensor;
  heads: Heads;
  attended: Tensor;
  lse: Tensor;
  /** Residual stream after attention, f32. */
  middle: Tensor;
  norm2: Tensor;
  rstd2: Tensor;
  /** gate and up beside each other. */
  gateUp: Tensor;
  activated: Tensor;
}

/**
 * One decoder block: middle = x + o(attention(norm(x))), y = middle + down(swiglu(norm(middle))).
 * @param x [T, d] f32 residual stream, left as it is
 * @param y [T, d] f32; may be x. Without it the pass stops before down_proj: all the backward pass needs
 * @param cache earlier keys and values when decoding; the new ones are appended by the caller's `length`
 */
export function blockForward(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  { x, y, cache }: { x: Tensor; y?: Tensor; cache?: LayerCache },
): Activations {
  const at = activationsOf(pass);
  attentionForward(pass, layer, weights, at, x, cache);
  const { commands, spec, rows } = pass;
  const { gateUp, down } = groupsOf(spec);
  const { middle, norm2, rstd2, activated } = at;
  rmsNorm(commands, { x: middle, weight: weights.postNorm, y: norm2, rstd: rstd2, rows, eps: spec.normEps });
  groupForward(pass, { layer, group: gateUp }, weights.groups.gateUp, { x: norm2, y: at.gateUp });
  swiglu(commands, { gateUp: at.gateUp, h: activated, rows, width: spec.ffnSize });
  const place = { layer, group: down };
  if (y) groupForward(pass, place, weights.groups.down, { x: activated, y, residual: middle });
  else loraHidden(pass, place, activated);
  return at;
}

function attentionForward(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  at: Activations,
  x: Tensor,
  cache: LayerCache | undefined,
): void {
  const { commands, spec, rows } = pass;
  const { heads, kvHeads, headDim, normEps: eps } = spec;
  const { qkv, o } = groupsOf(spec);
  rmsNorm(commands, { x, weight: weights.inputNorm, y: at.norm1, rstd: at.rstd1, rows, eps });
  groupForward(pass, { layer, group: qkv }, weights.groups.qkv, { x: at.norm1, y: at.qkv });
  rope(commands, { raw: at.qkv, parts: at.heads, ...ropeOf(pass, weights) });
  const { q, k, v } = at.heads;
  if (cache) {
    commands.copyRows(k, cache.k, cache.length * kvHeads * headDim);
    commands.copyRows(v, cache.v, cache.length * kvHeads * headDim);
  }
  attention(commands, {
    q,
    k: cache?.k ?? k,
    v: cache?.v ?? v,
    o: at.attended,
    lse: at.lse,
    segmentStart: pass.segmentStart,
    rows,
    heads,
    kvHeads,
    headDim,
    queryOffset: cache?.length ?? 0,
    window: spec.windowOf(layer),
    scale: headDim ** -0.5,
  });
  groupForward(pass, { layer, group: o }, weights.groups.o, { x: at.attended, y: at.middle, residual: x });
}

function ropeOf({ spec, rows, positions, inverseFrequencies }: Pass, { qNorm, kNorm }: BlockWeights) {
  const { heads, kvHeads, headDim, normEps: eps } = spec;
  const norm = qNorm && kNorm ? { qWeight: qNorm, kWeight: kNorm, eps } : null;
  return { positions, inverseFrequencies, rows, heads, kvHeads, headDim, norm };
}

/**
 * The gradient of a block: runs its forward pass again from x, then turns d loss/d y into d loss/d x in place
 * and adds the adapter's gradients to `grads`.
 * @param x [T, d] f32 the block's input, kept from the forward pass
 * @param dHidden [T, d] f32, d loss/d y in, d loss/d x out
 */
export function blockBackward(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  { x, dHidden, grads }: { x: Tensor; dHidden: Tensor; grads: ParameterBuffers },
): void {
  const at = blockForward(pass, layer, weights, { x });
  const gradients = gradientsOf(pass);
  mlpBackward(pass, layer, weights, at, gradients, dHidden, grads);
  attentionBackwardPass(pass, layer, weights, at, gradients, x, dHidden, grads);
}

/** Gradients on the way through a block, all f32. */
interface Gradients {
  /** Of gate and up, that of what SwiGLU makes of them in the place of gate's first. */
  dGateUp: Tensor;
  /** The same memory, which is free again when attention's turn comes: first that of `attended`, then of `qkv`. */
  dAttended: Tensor;
  dQkv: Tensor;
  dHeads: Heads;
  /** Of the output of either norm. */
  dNorm: Tensor;
}

function gradientsOf(pass: Pass): Gradients {
  const { spec, rows } = pass;
  const { qkv, gateUp, o } = groupsOf(spec);
  const f32 = (name: string, columns: number) => pass.workspace.get(name, 'f32', [rows, columns]);
  const wide = f32('wide gradient', Math.max(gateUp.width, qkv.width, o.inFeatures));
  return {
    dGateUp: reshape(wide, [rows, gateUp.width]),
    dAttended: reshape(wide, [rows, o.inFeatures]),
    dQkv: reshape(wide, [rows, qkv.width]),
    dHeads: headsOf(pass, 'dHeads', 'f32'),
    dNorm: f32('dNorm', spec.hiddenSize),
  };
}

function mlpBackward(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  at: Activations,
  { dGateUp, dNorm }: Gradients,
  dHidden: Tensor,
  grads: ParameterBuffers,
): void {
  const { commands, spec, rows } = pass;
  const { down, gateUp } = groupsOf(spec);
  const activated = { x: at.activated, dy: dHidden, dx: dGateUp, ldx: gateUp.width, grads };
  groupBackward(pass, { layer, group: down }, weights.groups.down, activated);
  swigluBackward(commands, { gateUp: at.gateUp, d: dGateUp, rows, width: spec.ffnSize });
  const input = { x: at.norm2, dy: dGateUp, dx: dNorm, grads };
  groupBackward(pass, { layer, group: gateUp }, weights.groups.gateUp, input);
  const norm = { dy: dNorm, x: at.middle, weight: weights.postNorm, rstd: at.rstd2 };
  rmsNormBackward(commands, { ...norm, dx: dHidden, rows, accumulate: true });
}

function attentionBackwardPass(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  at: Activations,
  { dAttended, dQkv, dHeads, dNorm }: Gradients,
  x: Tensor,
  dHidden: Tensor,
  grads: ParameterBuffers,
): void {
  const { commands, workspace, spec, rows } = pass;
  const { heads, kvHeads, headDim } = spec;
  const { qkv, o } = groupsOf(spec);
  const output = { x: at.attended, dy: dHidden, dx: dAttended, grads };
  groupBackward(pass, { layer, group: o }, weights.groups.o, output);
  attentionBackward(commands, {
    q: at.heads.q,
    k: at.heads.k,
    v: at.heads.v,
    o: at.attended,
    lse: at.lse,
    dO: dAttended,
    delta: workspace.get('attention delta', 'f32', [rows, 2 * heads]),
    dQ: dHeads.q,
    dK: dHeads.k,
    dV: dHeads.v,
    segmentStart: pass.segmentStart,
    segmentEnd: pass.segmentEnd,
    rows,
    heads,
    kvHeads,
    headDim,
    window: spec.windowOf(layer),
    scale: headDim ** -0.5,
  });
  ropeBackward(commands, { dParts: dHeads, raw: at.qkv, dRaw: dQkv, ...ropeOf(pass, weights) });
  const input = { x: at.norm1, dy: dQkv, dx: dNorm, grads };
  groupBackward(pass, { layer, group: qkv }, weights.groups.qkv, input);
  const norm = { dy: dNorm, x, weight: weights.inputNorm, rstd: at.rstd1 };
  rmsNormBackward(commands, { ...norm, dx: dHidden, rows, accumulate: true });
}

function activationsOf(pass: Pass): Activations {
  const { workspace, spec, rows, type } = pass;
  const { hiddenSize, ffnSize, heads, qkNorm } = spec;
  const { qkv, gateUp, o } = groupsOf(spec);
  const inner = (name: string, columns: number) => workspace.get(name, type, [rows, columns]);
  const f32 = (name: string, columns: number) => workspace.get(name, 'f32', [rows, columns]);
  const wide = inner('gate and up', qkNorm ? gateUp.width : Math.max(gateUp.width, qkv.width));
  return {
    norm1: inner('norm1', hiddenSize),
    rstd1: f32('rstd1', 1),
    // The backward pass needs it for the heads' norms alone: else its memory is that of gate and up, which come later.
    qkv: qkNorm ? inner('qkv', qkv.width) : reshape(wide, [rows, qkv.width]),
    heads: headsOf(pass, 'heads', type),
    attended: inner('attended', o.inFeatures),
    lse: f32('lse', heads),
    middle: f32('middle', hiddenSize),
    norm2: inner('norm2', hiddenSize),
    rstd2: f32('rstd2', 1),
    gateUp: reshape(wide, [rows, gateUp.width]),
    activated: inner('activated', ffnSize),
  };
}

function headsOf({ workspace, spec, rows }: Pass, name: string, type: ElementType): Heads {
  const { heads, kvHeads, headDim } = spec;
  const shape = { rows, heads, kvHeads, headDim };
  return headsIn(workspace.get(name, type, [headElements(shape)]), shape);
}
