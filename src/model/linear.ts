import type { Tensor } from '../gpu/tensor.ts';
import { dropout } from '../kernels/dropout.ts';
import { gemv } from '../kernels/gemv.ts';
import { matmul } from '../kernels/matmul.ts';
import type { Weight, WeightChunk } from '../kernels/weight.ts';
import type { LoraPair } from './loraAdapter.ts';
import type { ParameterBuffers } from './parameters.ts';
import type { Pass } from './pass.ts';
import type { LinearSpec } from './spec.ts';
import type { LinearWeights } from './weights.ts';

/** Which linear layer of which block. */
export interface LinearPlace {
  layer: number;
  linear: LinearSpec;
}

/** Columns start … start + width − 1 of a layer's output, in a tensor [T, width] of their own. */
interface Part {
  tensor: Tensor;
  start: number;
  width: number;
}

/**
 * y (+)= x Wᵀ + bias + scale · (drop(x) Aᵀ) Bᵀ
 * @param x [T, in]
 * @param ys a tensor [T, width] for each of the layer's outputs; added to when `accumulate`
 */
export function linearForward(
  pass: Pass,
  place: LinearPlace,
  { weight, bias }: LinearWeights,
  { x, ys, accumulate = false }: { x: Tensor; ys: readonly Tensor[]; accumulate?: boolean },
): void {
  const { commands, rows: m } = pass;
  const u = loraHidden(pass, place, x);
  const pair = loraPair(pass, place);
  for (const part of partsOf(place.linear, ys)) {
    const { tensor: y, start, width: ldc } = part;
    for (const { chunk: w, row: wRow, count: n, column: cOffset } of overlaps(weight, part)) {
      const from = { w, wRow, n, bias, biasOffset: start + cOffset, accumulate };
      if (m === 1) gemv(commands, { x, y, yOffset: cOffset, ...from });
      else matmul(commands, { layout: 'NT', a: x, c: y, m, k: weight.cols, ldc, cOffset, ...from });
    }
    if (!u || !pair) continue;
    const { b: w, rank: k, scale } = pair;
    const product = { layout: 'NT' as const, a: u, w, wRow: start, c: y, m, n: ldc, k };
    matmul(commands, { ...product, scale, accumulate: true });
  }
}

/**
 * The gradient of `linearForward`, without forming dW:
 *   dx (+)= dy W + drop((scale · dy B) A),  dB += scale · dyᵀ u,  dA += (scale · dy B)ᵀ drop(x)
 * u is what `loraHidden` left for this module when the block's forward pass ran again.
 * @param dys a tensor [T, width] f32 for each of the layer's outputs, @param dx [T, in] f32
 * @param grads in the layout of the adapter's parameters
 */
export function linearBackward(
  pass: Pass,
  place: LinearPlace,
  { weight }: LinearWeights,
  {
    x,
    dys,
    dx,
    grads,
    accumulate = false,
  }: { x: Tensor; dys: readonly Tensor[]; dx: Tensor; grads: ParameterBuffers; accumulate?: boolean },
): void {
  const { commands, rows: m } = pass;
  const { cols: n } = weight;
  const parts = partsOf(place.linear, dys);
  let sum = accumulate;
  for (const part of parts) {
    for (const { chunk: w, row: wRow, count: k, column: aOffset } of overlaps(weight, part)) {
      const dy = { a: part.tensor, lda: part.width, aOffset };
      matmul(commands, { layout: 'NN', ...dy, w, wRow, c: dx, m, n, k, accumulate: sum });
      sum = true;
    }
  }
  loraBackward(pass, place, { x, parts, dx, grads });
}

function loraBackward(
  pass: Pass,
  place: LinearPlace,
  { x, parts, dx, grads }: { x: Tensor; parts: readonly Part[]; dx: Tensor; grads: ParameterBuffers },
): void {
  const { commands, workspace, rows } = pass;
  const pair = loraPair(pass, place);
  const gradient = pass.adapter?.pair(place.layer, place.linear.path, grads);
  if (!pair || !gradient) return;
  const { rank, scale } = pair;
  const n = place.linear.inFeatures;
  const u = hiddenTensor(pass, place, pair);
  const dropped = droppedInput(pass, place, x, n);
  const dU = workspace.get(`lora dU ${rank}`, 'f32', [rows, rank]);
  parts.forEach(({ tensor: dy, start, width }, i) => {
    const dB = { c: gradient.b, cOffset: start * rank, accumulate: true };
    matmul(commands, { layout: 'TN', a: dy, w: u, ...dB, m: width, n: rank, k: rows, scale });
    const sum = { c: dU, accumulate: i > 0 };
    matmul(commands, {
      layout: 'NN',
      a: dy,
      w: pair.b,
      wRow: start,
      ...sum,
      m: rows,
      n: rank,
      k: width,
      scale,
    });
  });
  matmul(commands, { layout: 'TN', a: dU, w: dropped, c: gradient.a, m: rank, n, k: rows, accumulate: true });
  if (!pass.dropout) {
    matmul(commands, { layout: 'NN', a: dU, w: pair.a, c: dx, m: rows, n, k: rank, accumulate: true });
    return;
  }
  const dDropped = workspace.get(`dDropped ${n}`, 'f32', [rows, n]);
  matmul(commands, { layout: 'NN', a: dU, w: pair.a, c: dDropped, m: rows, n, k: rank });
  const { p } = pass.dropout;
  const seed = moduleSeed(pass, place);
  dropout(commands, { x: dDropped, y: dx, count: rows * n, p, seed, accumulate: true });
}

function partsOf({ outputs }: LinearSpec, tensors: readonly Tensor[]): Part[] {
  let start = 0;
  return outputs.map(({ width }, i) => {
    const part = { tensor: tensors[i]!, start, width };
    start += width;
    return part;
  });
}

/** The rows of a weight that make a part: from row `row` of a chunk, `count` of them, for columns from `column` on. */
function* overlaps(
  { chunks }: Weight,
  { start, width }: Part,
): Generator<{ chunk: WeightChunk; row: number; count: number; column: number }> {
  for (const chunk of chunks) {
    const first = Math.max(start, chunk.rowStart);
    const count = Math.min(start + width, chunk.rowStart + chunk.rows) - first;
    if (count > 0) yield { chunk, row: first - chunk.rowStart, count, column: first - start };
  }
}

/** The module's A and B with the scale of this pass; null where the pass leaves the adapter out. */
function loraPair({ adapter, strength }: Pass, { layer, linear }: LinearPlace): LoraPair | null {
  const pair = strength === 0 ? null : adapter?.pair(layer, linear.path);
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

function hiddenTensor({ workspace, rows }: Pass, { linear }: LinearPlace, { rank }: LoraPair): Tensor {
  return workspace.get(`lora u ${linear.path}`, 'f32', [rows, rank]);
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
function moduleSeed({ spec, dropout: mask }: Pass, { layer, linear }: LinearPlace): number {
  const module = layer * spec.linears.length + spec.linears.indexOf(linear);
  return (Math.imul(module + 1, 0x9e3779b1) ^ (mask?.seed ?? 0)) >>> 0;
}
