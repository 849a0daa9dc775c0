import type { Tensor } from '../gpu/tensor.ts';
import { attention, attentionBackward } from '../kernels/attention.ts';
import { rmsNorm, rmsNormBackward } from '../kernels/rmsNorm.ts';
import { rope } from '../kernels/rope.ts';
import { swiglu, swigluBackward } from '../kernels/swiglu.ts';
import { linearBackward, linearForward, loraHidden, type LinearPlace } from './linear.ts';
import type { ParameterBuffers } from './parameters.ts';
import type { Pass } from './pass.ts';
import type { Projection } from './spec.ts';
import type { BlockWeights, LinearWeights } from './weights.ts';

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
  /** q and k before their head norm (the same tensors as q and k where there is none). */
  qRaw: Tensor;
  kRaw: Tensor;
  qRstd: Tensor | null;
  kRstd: Tensor | null;
  q: Tensor;
  k: Tensor;
  v: Tensor;
  attended: Tensor;
  lse: Tensor;
  /** Residual stream after attention, f32. */
  middle: Tensor;
  norm2: Tensor;
  rstd2: Tensor;
  gate: Tensor;
  up: Tensor;
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
  const { middle, norm2, rstd2, gate, up, activated } = at;
  rmsNorm(commands, { x: middle, weight: weights.postNorm, y: norm2, rstd: rstd2, rows, eps: spec.normEps });
  project(pass, layer, weights, norm2, { gate, up });
  swiglu(commands, { gate, up, h: activated, count: rows * spec.ffnSize });
  if (y) {
    commands.copy(middle, y);
    project(pass, layer, weights, activated, { down: y }, true);
  } else {
    for (const { place } of layersFor(pass, layer, weights, ['down'])) loraHidden(pass, place, activated);
  }
  return at;
}

/** The linear layers that make these projections. */
function layersFor(
  { spec }: Pass,
  layer: number,
  weights: BlockWeights,
  projections: readonly Projection[],
): { place: LinearPlace; linear: LinearWeights; makes: Projection[] }[] {
  return spec.linears
    .map((linear) => ({ linear, makes: linear.outputs.map(({ projection }) => projection) }))
    .filter(({ makes }) => makes.some((made) => projections.includes(made)))
    .map(({ linear, makes }) => ({
      place: { layer, linear },
      linear: weights.linears.get(linear.path)!,
      makes,
    }));
}

/** ys (+)= the projections of x [T, in], by however many linear layers the family has for them. */
function project(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  x: Tensor,
  ys: Partial<Record<Projection, Tensor>>,
  accumulate = false,
): void {
  const projections = Object.keys(ys) as Projection[];
  for (const { place, linear, makes } of layersFor(pass, layer, weights, projections)) {
    linearForward(pass, place, linear, { x, ys: makes.map((made) => ys[made]!), accumulate });
  }
}

/** dx = the gradient of `project` with respect to x, from those of its projections; the adapter's go to `grads`. */
function projectBackward(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  x: Tensor,
  dys: Partial<Record<Projection, Tensor>>,
  { dx, grads }: { dx: Tensor; grads: ParameterBuffers },
): void {
  const projections = Object.keys(dys) as Projection[];
  layersFor(pass, layer, weights, projections).forEach(({ place, linear, makes }, i) => {
    const gradients = { dys: makes.map((made) => dys[made]!), dx, grads, accumulate: i > 0 };
    linearBackward(pass, place, linear, { x, ...gradients });
  });
}

function attentionForward(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  at: Activations,
  x: Tensor,
  cache: LayerCache | undefined,
): void {
  const { commands, spec, rows, positions, inverseFrequencies } = pass;
  const { heads, kvHeads, headDim, normEps: eps } = spec;
  rmsNorm(commands, { x, weight: weights.inputNorm, y: at.norm1, rstd: at.rstd1, rows, eps });
  project(pass, layer, weights, at.norm1, { q: at.qRaw, k: at.kRaw, v: at.v });
  if (weights.qNorm && weights.kNorm && at.qRstd && at.kRstd) {
    rmsNorm(commands, {
      x: at.qRaw,
      weight: weights.qNorm,
      y: at.q,
      rstd: at.qRstd,
      rows: rows * heads,
      eps,
    });
    rmsNorm(commands, {
      x: at.kRaw,
      weight: weights.kNorm,
      y: at.k,
      rstd: at.kRstd,
      rows: rows * kvHeads,
      eps,
    });
  }
  const rotate = { positions, inverseFrequencies, rows, headDim, inverse: false };
  rope(commands, { x: at.q, heads, ...rotate });
  rope(commands, { x: at.k, heads: kvHeads, ...rotate });
  if (cache) {
    commands.copyRows(at.k, cache.k, cache.length * kvHeads * headDim);
    commands.copyRows(at.v, cache.v, cache.length * kvHeads * headDim);
  }
  attention(commands, {
    q: at.q,
    k: cache?.k ?? at.k,
    v: cache?.v ?? at.v,
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
  commands.copy(x, at.middle);
  project(pass, layer, weights, at.attended, { o: at.middle }, true);
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
  mlpBackward(pass, layer, weights, at, dHidden, grads);
  attentionBackwardPass(pass, layer, weights, at, x, dHidden, grads);
}

function mlpBackward(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  at: Activations,
  dHidden: Tensor,
  grads: ParameterBuffers,
): void {
  const { commands, workspace, spec, rows } = pass;
  const { ffnSize, hiddenSize } = spec;
  const dActivated = workspace.get('dActivated', 'f32', [rows, ffnSize]);
  const dGate = workspace.get('dGate', 'f32', [rows, ffnSize]);
  const dUp = workspace.get('dUp', 'f32', [rows, ffnSize]);
  const dNorm = workspace.get('dNorm', 'f32', [rows, hiddenSize]);
  projectBackward(pass, layer, weights, at.activated, { down: dHidden }, { dx: dActivated, grads });
  swigluBackward(commands, { dh: dActivated, gate: at.gate, up: at.up, dGate, dUp, count: rows * ffnSize });
  projectBackward(pass, layer, weights, at.norm2, { gate: dGate, up: dUp }, { dx: dNorm, grads });
  const norm = { dy: dNorm, x: at.middle, weight: weights.postNorm, rstd: at.rstd2 };
  rmsNormBackward(commands, { ...norm, dx: dHidden, rows, accumulate: true });
}

function attentionBackwardPass(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  at: Activations,
  x: Tensor,
  dHidden: Tensor,
  grads: ParameterBuffers,
): void {
  const { commands, workspace, spec, rows, positions, inverseFrequencies } = pass;
  const { heads, kvHeads, headDim, hiddenSize } = spec;
  const f32 = (name: string, columns: number) => workspace.get(name, 'f32', [rows, columns]);
  const dAttended = f32('dAttended', heads * headDim);
  const dQ = f32('dQ', heads * headDim);
  const dK = f32('dK', kvHeads * headDim);
  const dV = f32('dV', kvHeads * headDim);
  const dNorm = f32('dNorm', hiddenSize);
  projectBackward(pass, layer, weights, at.attended, { o: dHidden }, { dx: dAttended, grads });
  attentionBackward(commands, {
    q: at.q,
    k: at.k,
    v: at.v,
    o: at.attended,
    lse: at.lse,
    dO: dAttended,
    delta: f32('attention delta', 2 * heads),
    dQ,
    dK,
    dV,
    segmentStart: pass.segmentStart,
    segmentEnd: pass.segmentEnd,
    rows,
    heads,
    kvHeads,
    headDim,
    window: spec.windowOf(layer),
    scale: headDim ** -0.5,
  });
  const rotate = { positions, inverseFrequencies, rows, headDim, inverse: true };
  rope(commands, { x: dQ, heads, ...rotate });
  rope(commands, { x: dK, heads: kvHeads, ...rotate });
  let [dQRaw, dKRaw] = [dQ, dK];
  if (weights.qNorm && weights.kNorm && at.qRstd && at.kRstd) {
    [dQRaw, dKRaw] = [f32('dQRaw', heads * headDim), f32('dKRaw', kvHeads * headDim)];
    const qNorm = { dy: dQ, x: at.qRaw, weight: weights.qNorm, rstd: at.qRstd, dx: dQRaw };
    const kNorm = { dy: dK, x: at.kRaw, weight: weights.kNorm, rstd: at.kRstd, dx: dKRaw };
    rmsNormBackward(commands, { ...qNorm, rows: rows * heads, accumulate: false });
    rmsNormBackward(commands, { ...kNorm, rows: rows * kvHeads, accumulate: false });
  }
  projectBackward(pass, layer, weights, at.norm1, { q: dQRaw, k: dKRaw, v: dV }, { dx: dNorm, grads });
  const norm = { dy: dNorm, x, weight: weights.inputNorm, rstd: at.rstd1 };
  rmsNormBackward(commands, { ...norm, dx: dHidden, rows, accumulate: true });
}

function activationsOf({ workspace, spec, rows, type }: Pass): Activations {
  const { hiddenSize, heads, kvHeads, headDim, ffnSize, qkNorm } = spec;
  const inner = (name: string, columns: number) => workspace.get(name, type, [rows, columns]);
  const f32 = (name: string, columns: number) => workspace.get(name, 'f32', [rows, columns]);
  const q = inner('q', heads * headDim);
  const k = inner('k', kvHeads * headDim);
  return {
    norm1: inner('norm1', hiddenSize),
    rstd1: f32('rstd1', 1),
    q,
    k,
    qRaw: qkNorm ? inner('qRaw', heads * headDim) : q,
    kRaw: qkNorm ? inner('kRaw', kvHeads * headDim) : k,
    qRstd: qkNorm ? f32('qRstd', heads) : null,
    kRstd: qkNorm ? f32('kRstd', kvHeads) : null,
    v: inner('v', kvHeads * headDim),
    attended: inner('attended', heads * headDim),
    lse: f32('lse', heads),
    middle: f32('middle', hiddenSize),
    norm2: inner('norm2', hiddenSize),
    rstd2: f32('rstd2', 1),
    gate: inner('gate', ffnSize),
    up: inner('up', ffnSize),
    activated: inner('activated', ffnSize),
  };
}
