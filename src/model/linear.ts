import type { Tensor } from '../gpu/tensor.ts';
import { gemv } from '../kernels/gemv.ts';
import { matmul, type LoraEpilogue, type MatmulMembers } from '../kernels/matmul.ts';
import type { WeightChunk } from '../kernels/weight.ts';
import { addLora, loraBackward, loraHidden, loraOf, type LoraHere } from './loraProducts.ts';
import { addSums } from './norm.ts';
import type { ParameterBuffers } from './parameters.ts';
import type { Pass } from './pass.ts';
import type { SiblingGroup } from './siblings.ts';
import { inUse } from './trainable.ts';
import type { GroupWeights } from './weights.ts';

/** Which linear layers of which block. */
export interface GroupPlace {
  layer: number;
  group: SiblingGroup;
}

/** Columns start … start + width − 1 of a group's output, and what LoRA adds there. */
interface Columns {
  start: number;
  width: number;
  lora: LoraEpilogue | null;
  members: MatmulMembers | null;
}

/**
 * y = x Wᵀ + bias + scale · (drop(x) Aᵀ) Bᵀ (+ residual), for layers that read the same x
 * @param x [T, in]
 * @param y [T, width], the layers' outputs beside each other
 * @param residual [T, width] f32, may be y
 */
export function groupForward(
  pass: Pass,
  place: GroupPlace,
  weights: GroupWeights,
  { x, y, residual = null }: { x: Tensor; y: Tensor; residual?: Tensor | null },
): void {
  const lora = loraHidden(pass, place, x);
  if (pass.rows === 1) return rowForward(pass, place, weights, { x, y, residual, lora });
  const { bias } = weights;
  const { width: ldc, inFeatures: k } = place.group;
  for (const columns of columnsOf(place.group, weights, lora)) {
    const { lora: second, members } = columns;
    for (const { chunk: w, row: wRow, count: n, start: cOffset } of overlaps(weights, columns)) {
      matmul(pass.commands, {
        layout: 'NT',
        a: x,
        w,
        wRow,
        c: y,
        ldc,
        cOffset,
        m: pass.rows,
        n,
        k,
        bias,
        biasOffset: cOffset,
        residual,
        lora: second && { ...second, bRow: cOffset - columns.start },
        members,
      });
    }
  }
}

/** The same for a single row, as decoding has it: every product reads its weights once, so nothing is gained by one. */
function rowForward(
  pass: Pass,
  { group }: GroupPlace,
  weights: GroupWeights,
  tensors: { x: Tensor; y: Tensor; residual: Tensor | null; lora: LoraHere | null },
): void {
  const { x, y, residual, lora } = tensors;
  const { commands } = pass;
  if (residual && residual.buffer !== y.buffer) commands.copy(residual, y);
  const all = { start: 0, width: group.width };
  for (const { chunk: w, row: wRow, count: n, start: yOffset } of overlaps(weights, all)) {
    const bias = { bias: weights.bias, biasOffset: yOffset };
    gemv(commands, { x, w, wRow, n, y, yOffset, ...bias, accumulate: residual !== null });
  }
  if (lora) addLora(pass, group, lora, y);
}

/** The ranges of columns that are one product each: all of them, or those of one layer. */
function columnsOf(group: SiblingGroup, weights: GroupWeights, lora: LoraHere | null): Columns[] {
  const { linears, starts, width } = group;
  if (!lora) return [{ start: 0, width, lora: null, members: null }];
  const { u, group: pairs, scaleOf } = lora;
  const ldu = pairs.rank;
  const whole = weights.parts.length === 1 && weights.parts[0]!.weight.chunks.length === 1;
  const [first] = pairs.pairs;
  if (pairs.b && first && (whole || linears.length === 1)) {
    const { rank } = first;
    const members: MatmulMembers | null = linears.length === 1 ? null : { along: 'n', starts };
    const all = { u, ldu, rank, scale: scaleOf(first), b: pairs.b };
    return [{ start: 0, width, lora: all, members }];
  }
  return linears.map(({ outFeatures }, i) => {
    const pair = pairs.pairs[i];
    const second = pair && {
      u,
      ldu,
      uOffset: pairs.columns[i]!,
      rank: pair.rank,
      scale: scaleOf(pair),
      b: pair.b,
    };
    return { start: starts[i]!, width: outFeatures, lora: second ?? null, members: null };
  });
}

/**
 * The gradient of `groupForward`; dW and that of the bias are formed only where the layers themselves are trained:
 *   dx = dy W + drop((scale · dy B) A),  dB += scale · dyᵀ u,  dA += (scale · dy B)ᵀ drop(x)
 *   dW += dyᵀ x,  dbias += Σ dy over tokens
 * u is what `loraHidden` left for these layers when the block's forward pass ran again.
 * @param dy [T, width] f32
 * @param dx f32, written to the first `in` of every `ldx` columns
 * @param grads in the layout of the trained parameters
 */
export function groupBackward(
  pass: Pass,
  place: GroupPlace,
  weights: GroupWeights,
  tensors: { x: Tensor; dy: Tensor; dx: Tensor; ldx?: number; grads: ParameterBuffers },
): void {
  const { dy, dx } = tensors;
  const { width, inFeatures: n } = place.group;
  const ldx = tensors.ldx ?? n;
  const own = inUse(pass)?.block(place.layer, tensors.grads);
  if (own) addWeightGradients(pass, place.group, own.groups[place.group.name], tensors);
  const lora = loraOf(pass, place);
  const back = lora && loraBackward(pass, place, lora, { ...tensors, ldx });
  const products = [...overlaps(weights, { start: 0, width })];
  products.forEach(({ chunk: w, row: wRow, count: k, start: aOffset }, i) => {
    matmul(pass.commands, {
      layout: 'NN',
      a: dy,
      lda: width,
      aOffset,
      w,
      wRow,
      c: dx,
      ldc: ldx,
      m: pass.rows,
      n,
      k,
      accumulate: i > 0,
      lora: i === products.length - 1 ? (back?.epilogue ?? null) : null,
    });
  });
  back?.finish();
}

/** dW += dyᵀ x, one product for all siblings where their gradients are one matrix; dbias += Σ dy. */
function addWeightGradients(
  pass: Pass,
  { width, inFeatures: n }: SiblingGroup,
  gradient: GroupWeights,
  { x, dy }: { x: Tensor; dy: Tensor },
): void {
  const { rows: k } = pass;
  for (const { chunk, count: m, start: aOffset } of overlaps(gradient, { start: 0, width })) {
    const target = { c: chunk.data, m, n, k, accumulate: true };
    matmul(pass.commands, { layout: 'TN', a: dy, lda: width, aOffset, w: x, ...target });
  }
  if (gradient.bias) addSums(pass, { dy, rows: k, columns: width, sums: gradient.bias });
}

/** The rows of weights that make columns: `count` from row `row` of a chunk on, for columns from `start` on. */
function* overlaps(
  { parts }: GroupWeights,
  { start, width }: { start: number; width: number },
): Generator<{ chunk: WeightChunk; row: number; count: number; start: number }> {
  for (const part of parts) {
    for (const chunk of part.weight.chunks) {
      const begin = part.start + chunk.rowStart;
      const first = Math.max(start, begin);
      const count = Math.min(start + width, begin + chunk.rows) - first;
      if (count > 0) yield { chunk, row: first - begin, count, start: first };
    }
  }
}
