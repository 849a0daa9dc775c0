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
  const { rows: out, cols: k, format } = weight;
  for (const { rowStart, rows: n, data: w } of weight.chunks) {
    const part = bias ? slice(bias, rowStart, [n]) : undefined;
    const columns = { ldc: out, cOffset: rowStart };
    matmul(commands, { layout: 'NT', a: x, w, format, c: y, m, n, k, bias: part, accumulate, ...columns });
  }
  const pair = loraPair(pass, place);
  if (!pair) return;
  const u = loraHidden(pass, place, pair, x, k);
  matmul(commands, {
    layout: 'NT',
    a: u,
    w: pair.b,
    c: y,
    m,
    n: out,
    k: pair.rank,
    scale: pair.scale * pass.strength,
    accumulate: true,
  });
}

/**
 * The gradient of `linearForward`, without forming dW:
 *   dx (+)= dy W + drop((scale · dy B) A),  dB += scale · dyᵀ u,  dA += (scale · dy B)ᵀ drop(x)
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
  const { rows: out, cols: n, format } = weight;
  weight.chunks.forEach(({ rowStart, rows: k, data: w }, i) => {
    const columns = { lda: out, aOffset: rowStart };
    matmul(commands, {
      layout: 'NN',
      a: dy,
      w,
      format,
      c: dx,
      m: rows,
      n,
      k,
      accumulate: accumulate || i > 0,
      ...columns,
    });
  });
  const pair = loraPair(pass, place);
  const gradient = pass.adapter?.pair(place.layer, place.name, grads);
  if (!pair || !gradient) return;
  const { rank, scale } = pair;
  const u = loraHidden(pass, place, pair, x, n);
  const dropped = pass.dropout ? workspace.get(`dropped ${n}`, x.type, [rows, n]) : x;
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

function loraPair(pass: Pass, { layer, name }: LinearPlace): LoraPair | null {
  return pass.strength === 0 ? null : (pass.adapter?.pair(layer, name) ?? null);
}

/** u = drop(x) Aᵀ [T, rank]. The backward pass makes it again rather than keep one for every module. */
function loraHidden(pass: Pass, place: LinearPlace, { a, rank }: LoraPair, x: Tensor, k: number): Tensor {
  const { commands, workspace, rows: m } = pass;
  let input = x;
  if (pass.dropout) {
    const { p } = pass.dropout;
    input = workspace.get(`dropped ${k}`, x.type, [m, k]);
    dropout(commands, { x, y: input, count: m * k, p, seed: moduleSeed(pass, place), accumulate: false });
  }
  const u = workspace.get(`lora u ${rank}`, 'f32', [m, rank]);
  matmul(commands, { layout: 'NT', a: input, w: a, c: u, m, n: rank, k });
  return u;
}

/** A mask of its own for every module, as in PEFT, and the same one in forward and backward. */
function moduleSeed(pass: Pass, { layer, name }: LinearPlace): number {
  const module = layer * linearNames.length + linearNames.indexOf(name);
  return (Math.imul(module + 1, 0x9e3779b1) ^ (pass.dropout?.seed ?? 0)) >>> 0;
}
