import type { Tensor } from '../gpu/tensor.ts';
import { attention, attentionBackward } from '../kernels/attention.ts';
import { rmsNorm } from '../kernels/rmsNorm.ts';
import { headElements, headsIn, rope, ropeBackward, type Heads, type HeadShape } from '../kernels/rope.ts';
import { activation } from './activations.ts';
import { groupBackward, groupForward } from './linear.ts';
import { mlpBackward, mlpForward } from './mlp.ts';
import { addSums, normBackward } from './norm.ts';
import type { ParameterBuffers } from './parameters.ts';
import type { Pass } from './pass.ts';
import { groupsOf } from './siblings.ts';
import { inUse } from './trainable.ts';
import type { BlockWeights } from './weights.ts';
import { wideActivations, wideGradients } from './wideTensors.ts';

/** Keys and values of earlier tokens of one layer: [capacity, kvHeads, headDim], `length` of them filled. */
export interface LayerCache {
  k: Tensor;
  v: Tensor;
  length: number;
}

/**
 * What attention computes on the way and its backward pass needs again. As a rule the tensors are scratch: with gradient
 * checkpointing only the block's input is kept, and the backward pass runs the forward pass once more (`Pass.kept`).
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
}

/**
 * One decoder block: middle = x + o(attention(norm(x))), y = middle + down(swiglu(norm(middle))).
 * @param x [T, d] f32 residual stream, left as it is
 * @param y [T, d] f32; may be x
 * @param cache earlier keys and values when decoding; the new ones are appended by the caller's `length`
 */
export function blockForward(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  { x, y, cache }: { x: Tensor; y: Tensor; cache?: LayerCache | undefined },
): void {
  const { middle } = attentionForward(pass, layer, weights, x, cache);
  mlpForward(pass, layer, weights, { x: middle, y });
}

function attentionForward(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  x: Tensor,
  cache?: LayerCache,
): Activations {
  const at = activationsOf(pass);
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
  return at;
}

function ropeOf({ spec, rows, positions, inverseFrequencies }: Pass, { qNorm, kNorm }: BlockWeights) {
  const { heads, kvHeads, headDim, normEps: eps } = spec;
  const norm = qNorm && kNorm ? { qWeight: qNorm, kWeight: kNorm, eps } : null;
  return { positions, inverseFrequencies, rows, heads, kvHeads, headDim, norm };
}

/**
 * The gradient of a block: runs its forward pass again from x, then turns d loss/d y into d loss/d x in place
 * and adds the gradients of what is trained to `grads`.
 * @param x [T, d] f32 the block's input, kept from the forward pass
 * @param dHidden [T, d] f32, d loss/d y in, d loss/d x out
 * @param isFresh the block's forward pass was the last to use the workspace, so it need not run again
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
  const at = isFresh ? activationsOf(pass) : attentionForward(pass, layer, weights, x);
  const { rows, spec } = pass;
  // Made for all tokens before some of them need it.
  const dAttended = wideGradients(pass, [rows, groupsOf(spec).o.inFeatures]);
  mlpBackward(pass, layer, weights, { x: at.middle, dHidden, grads, isFresh });
  attentionBackwardPass(pass, layer, weights, at, { x, dAttended, dHidden, grads });
}

function attentionBackwardPass(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  at: Activations,
  tensors: { x: Tensor; dAttended: Tensor; dHidden: Tensor; grads: ParameterBuffers },
): void {
  const { x, dAttended, dHidden, grads } = tensors;
  const { commands, workspace, spec, rows } = pass;
  const { heads, kvHeads, headDim } = spec;
  const { qkv, o } = groupsOf(spec);
  const shape = headShape(pass);
  const dHeads = headsIn(workspace.get('dHeads', 'f32', [headElements(shape)]), shape);
  const dNorm = workspace.get('dNorm', 'f32', [rows, spec.hiddenSize]);
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
  const dQkv = wideGradients(pass, [rows, qkv.width]);
  const gradient = inUse(pass)?.block(layer, grads) ?? null;
  const dNorms = gradient?.qNorm ? workspace.get('dNorm of heads', 'f32', [rows, 2 * headDim]) : null;
  ropeBackward(commands, {
    dParts: dHeads,
    raw: at.qkv,
    dRaw: dQkv,
    dNorm: dNorms,
    ...ropeOf(pass, weights),
  });
  [gradient?.qNorm, gradient?.kNorm].forEach((sums, i) => {
    const ofHeads = { rows, columns: headDim, stride: 2 * headDim, start: i * headDim };
    if (sums && dNorms) addSums(pass, { dy: dNorms, ...ofHeads, sums });
  });
  const input = { x: at.norm1, dy: dQkv, dx: dNorm, grads };
  groupBackward(pass, { layer, group: qkv }, weights.groups.qkv, input);
  const norm = { dy: dNorm, x, weight: weights.inputNorm, rstd: at.rstd1 };
  const ofNorm = gradient?.inputNorm ?? null;
  normBackward(pass, { ...norm, dx: dHidden, rows, accumulate: true, gradient: ofNorm });
}

function activationsOf(pass: Pass): Activations {
  const { spec, rows, type } = pass;
  const { hiddenSize, heads, qkNorm } = spec;
  const { qkv, o } = groupsOf(spec);
  const inner = (name: string, columns: number) => activation(pass, name, type, [rows, columns]);
  const f32 = (name: string, columns: number) => activation(pass, name, 'f32', [rows, columns]);
  return {
    norm1: inner('norm1', hiddenSize),
    rstd1: f32('rstd1', 1),
    // The backward pass needs it for the heads' norms alone.
    qkv: qkNorm ? inner('qkv', qkv.width) : wideActivations(pass, [rows, qkv.width]),
    heads: headsIn(activation(pass, 'heads', type, [headElements(headShape(pass))]), headShape(pass)),
    attended: inner('attended', o.inFeatures),
    lse: f32('lse', heads),
    middle: f32('middle', hiddenSize),
  };
}

function headShape({ spec: { heads, kvHeads, headDim }, rows }: Pass): HeadShape {
  return { rows, heads, kvHeads, headDim };
}
