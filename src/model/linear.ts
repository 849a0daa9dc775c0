import { slice, type Tensor } from '../gpu/tensor.ts';
import { dropout } from '../kernels/dropout.ts';
import { matmul } from '../kernels/matmul.ts';
import type { LoraPair } from './loraAdapter.ts';
import type { Pass } from './pass.ts';
import { linearNames, type LinearName } from './spec.ts';
import type { LinearWeights } from './weights.ts';

/** Which linear layer of which block. */
export interface LinearPlace {
  layer: number;
  name: LinearName;
}

/**
 * y (+)= x Wᵀ + bias + scale · (drop(x) Aᵀ) Bᵀ
 * @param x [T, in], @param y [T, out]; added to when `accumulate`
 */
export function linearForward(
  pass: Pass,
  place: LinearPlace,
  { weight, bias }: LinearWeights,
  { x, y, accumulate = false }: { x: Tensor; y: Tensor; accumulate?: boolean },
): void {
  const { commands, rows: m } = pass;
  const { rows: out, cols: k } = weight;
  for (const w of weight.chunks) {
    const { rowStart, rows: n } = w;
    const part = bias ? slice(bias, rowStart, [n]) : undefined;
    const columns = { ldc: out, cOffset: rowStart };
    matmul(commands, { layout: 'NT', a: x, w, c: y, m, n, k, bias: part, accumulate, ...columns });
  }
  const u = loraHidden(pass, place, x);
  const pair = loraPair(pass, place);
  if (!u || !pair) return;
  matmul(commands, {
    layout: 'NT',
    a: u,
    w: pair.b,
    c: y,
    m,
    n: out,
    k: pair.rank,
    scale: pair.scale,
    accumulate: true,
  });
}

/**
 * The gradient of `linearForward`, without forming dW:
 *   dx (+)= dy W + drop((scale · dy B) A),  dB += scale · dyᵀ u,  dA += (scale · dy B)ᵀ drop(x)
 * u is what `loraHidden` left for this module when the block's forward pass ran again.
 * @param dy [T, out] f32, @param dx [T, in] f32, @param grads flat buffer with the adapter's layout
 */
export function linearBackward(
  pass: Pass,
  place: LinearPlace,
  { weight }: LinearWeights,
  {
    x,
    dy,
    dx,
    grads,
    accumulate = false,
  }: { x: Tensor; dy: Tensor; dx: Tensor; grads: Tensor; accumulate?: boolean },
): void {
  const { commands, workspace, rows } = pass;
  const { rows: out, cols: n } = weight;
  weight.chunks.forEach((w, i) => {
    const columns = { lda: out, aOffset: w.rowStart };
    const sum = accumulate || i > 0;
    matmul(commands, { layout: 'NN', a: dy, w, c: dx, m: rows, n, k: w.rows, accumulate: sum, ...columns });
  });
  const pair = loraPair(pass, place);
  const gradient = pass.adapter?.pair(place.layer, place.name, grads);
  if (!pair || !gradient) return;
  const { rank, scale } = pair;
  const u = hiddenTensor(pass, place, pair);
  const dropped = droppedInput(pass, place, x, n);
  const dU = workspace.get(`lora dU ${rank}`, 'f32', [rows, rank]);
  matmul(commands, {
    layout: 'TN',
    a: dy,
    w: u,
    c: gradient.b,
    m: out,
    n: rank,
    k: rows,
    scale,
    accumulate: true,
  });
  matmul(commands, { layout: 'NN', a: dy, w: pair.b, c: dU, m: rows, n: rank, k: out, scale });
  matmul(commands, { layout: 'TN', a: dU, w: dropped, c: gradient.a, m: rank, n, k: rows, accumulate: true });
  if (!pass.dropout) {
    matmul(commands, { layout: 'NN', a: dU, w: pair.a, c: dx, m: rows, n, k: rank, accumulate: true });
    return;
  }
  const dDropped = workspace.get(`dDropped ${n}`, 'f32', [rows, n]);
  matmul(commands, { layout: 'NN', a: dU, w: pair.a, c: dDropped, m: rows, n, k: rank });
  const { p } = pass.dropout;
  dropout(commands, {
    x: dDropped,
    y: dx,
    count: rows * n,
    p,
    seed: moduleSeed(pass, place),
    accumulate: true,
  });
}

/** The module's A and B with the scale of this pass; null where the pass leaves the adapter out. */
function loraPair({ adapter, strength }: Pass, { layer, name }: LinearPlace): LoraPair | null {
  const pair = strength === 0 ? null : adapter?.pair(layer, name);
  return pair ? { ...pair, scale: pair.scale * strength } : null;
}

/** u = drop(x) Aᵀ [T, rank], kept until the module's backward pass; null for a module without an adapter. */
export function loraHidden(pass: Pass, place: LinearPlace, x: Tensor): Tensor | null {
  const pair = loraPair(pass, place);
  if (!pair) return null;
  const { commands, rows: m } = pass;
  const [n = 0, k = 0] = pair.a.shape;
  const u = hiddenTensor(pass, place, pair);
  matmul(commands, { layout: 'NT', a: droppedInput(pass, place, x, k), w: pair.a, c: u, m, n, k });
  return u;
}

function hiddenTensor({ workspace, rows }: Pass, { name }: LinearPlace, { rank }: LoraPair): Tensor {
  return workspace.get(`lora u ${name}`, 'f32', [rows, rank]);
}

/** drop(x) [T, k]: made anew each time it is needed, since the mask comes from a hash. */
function droppedInput(pass: Pass, place: LinearPlace, x: Tensor, k: number): Tensor {
  if (!pass.dropout) return x;
  const { commands, workspace, rows } = pass;
  const y = workspace.get(`dropped ${k}`, x.type, [rows, k]);
  const { p } = pass.dropout;
  dropout(commands, { x, y, count: rows * k, p, seed: moduleSeed(pass, place), accumulate: false });
  return y;
}

/** A mask of its own for every module, as in PEFT, and the same one in forward and backward. */
function moduleSeed(pass: Pass, { layer, name }: LinearPlace): number {
  const module = layer * linearNames.length + linearNames.indexOf(name);
  return (Math.imul(module + 1, 0x9e3779b1) ^ (pass.dropout?.seed ?? 0)) >>> 0;
}
