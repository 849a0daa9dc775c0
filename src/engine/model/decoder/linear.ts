import type { Tensor } from '../../gpu/tensor.ts';
import { gemv } from '../../kernels/gemv.ts';
import { matmul, type LoraEpilogue, type MatmulMembers } from '../../kernels/matmul.ts';
import { doraForward, doraGradient, doraHidden } from '../trained/doraProducts.ts';
import { hasDora } from '../trained/loraGroup.ts';
import { addLora, loraBackward, loraHidden, loraOf, type ActiveLora } from '../trained/loraProducts.ts';
import { addSums } from './norm.ts';
import type { ParameterBuffers } from './parameters.ts';
import type { LayerRef, Pass } from './pass.ts';
import type { FusedGroup } from '../spec/fusedProjections.ts';
import { activeTrainable } from '../trained/trainable.ts';
import { rowsOf } from '../trained/weightRows.ts';
import type { GroupWeights } from '../weights/weights.ts';

/** Columns start … start + width − 1 of a group's output, and what LoRA adds there. */
interface Columns {
  start: number;
  width: number;
  lora: LoraEpilogue | null;
  members: MatmulMembers | null;
}

/**
 * y = x Wᵀ + bias + scale · (drop(x) Aᵀ) Bᵀ (+ residual) for fused projections, with the LoRA product in the epilogue
 * of the base's. See `loraLinearRef` for the unfused maths; DoRA scales the outputs (`doraLinearRef`).
 * @param x [T, in]
 * @param y [T, width], the projections' outputs next to each other
 * @param residual [T, width] f32, may be y
 */
export function groupForward(
  pass: Pass,
  ref: LayerRef,
  frozen: GroupWeights,
  { x, y, residual = null }: { x: Tensor; y: Tensor; residual?: Tensor | null },
): void {
  const weights = withTrainedBias(pass, ref, frozen);
  const lora = loraHidden(pass, ref, x);
  if (!lora || !hasDora(lora)) return groupProducts(pass, ref, weights, { x, y, residual, lora });
  // What DoRA scales has no bias.
  const z = doraHidden(pass, ref);
  groupProducts(pass, ref, { ...weights, bias: null }, { x, y: z, residual: null, lora });
  doraForward(pass, ref, weights, lora, { z, y, residual });
}

/** What `groupBackward` needs of `groupForward`: the inner products of LoRA, and with DoRA what it scales. */
export function recomputeGroup(pass: Pass, ref: LayerRef, weights: GroupWeights, x: Tensor): void {
  const lora = loraHidden(pass, ref, x);
  if (!lora || !hasDora(lora)) return;
  groupProducts(pass, ref, { ...weights, bias: null }, { x, y: doraHidden(pass, ref), residual: null, lora });
}

/** The weights with biases that were trained beside an adapter in place of the model's. */
function withTrainedBias(pass: Pass, { layer, group }: LayerRef, weights: GroupWeights): GroupWeights {
  const trained = activeTrainable(pass)?.biases(layer, group);
  if (!trained || !weights.bias) return weights;
  const { commands, workspace } = pass;
  const bias = workspace.get(`bias ${group.name}`, 'f32', [group.width]);
  commands.copy(weights.bias, bias);
  trained.forEach((own, i) => {
    if (own) commands.copy(own, { ...bias, offset: bias.offset + 4 * group.starts[i]!, shape: own.shape });
  });
  return { ...weights, bias };
}

/** The products of `groupForward`, without what DoRA does to them. */
function groupProducts(
  pass: Pass,
  ref: LayerRef,
  weights: GroupWeights,
  { x, y, residual, lora }: { x: Tensor; y: Tensor; residual: Tensor | null; lora: ActiveLora | null },
): void {
  if (pass.rows === 1) return rowForward(pass, ref, weights, { x, y, residual, lora });
  const { bias } = weights;
  const { width: ldc, inFeatures: k } = ref.group;
  for (const columns of columnsOf(ref.group, weights, lora)) {
    const { lora: second, members } = columns;
    for (const { chunk: w, row: wRow, count: n, start: cOffset } of rowsOf(weights, columns)) {
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

/** `groupProducts` for a single row, when decoding: each product reads its weights once, so fusing gains nothing. */
function rowForward(
  pass: Pass,
  { group }: LayerRef,
  weights: GroupWeights,
  tensors: { x: Tensor; y: Tensor; residual: Tensor | null; lora: ActiveLora | null },
): void {
  const { x, y, residual, lora } = tensors;
  const { commands } = pass;
  if (residual && residual.buffer !== y.buffer) commands.copy(residual, y);
  const all = { start: 0, width: group.width };
  for (const { chunk: w, row: wRow, count: n, start: yOffset } of rowsOf(weights, all)) {
    const bias = { bias: weights.bias, biasOffset: yOffset };
    gemv(commands, { x, w, wRow, n, y, yOffset, ...bias, accumulate: residual !== null });
  }
  if (lora) addLora(pass, group, lora, y);
}

/** The column ranges computed by one product each: all of them, or one layer each. */
function columnsOf(group: FusedGroup, weights: GroupWeights, lora: ActiveLora | null): Columns[] {
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
 * The gradient of `groupForward`; dW and dbias only if the layers themselves are trained:
 *   dx = dy W + drop((scale · dy B) A),  dB += scale · dyᵀ u,  dA += (scale · dy B)ᵀ drop(x)
 *   dW += dyᵀ x,  dbias += Σ dy over tokens
 * where u is what `loraHidden` computed when the block's forward pass was rerun. See `loraLinearBackwardRef` for the
 * unfused maths.
 * @param dy [T, width] f32
 * @param dx f32, written to the first `in` of every `ldx` columns, or added there with `accumulate`
 * @param grads in the layout of the trained parameters
 */
export function groupBackward(
  pass: Pass,
  ref: LayerRef,
  weights: GroupWeights,
  tensors: {
    x: Tensor;
    dy: Tensor;
    dx: Tensor;
    ldx?: number;
    grads: ParameterBuffers;
    accumulate?: boolean;
  },
): void {
  const { dx, accumulate = false } = tensors;
  const { width, inFeatures: n } = ref.group;
  const ldx = tensors.ldx ?? n;
  const own = activeTrainable(pass)?.block(ref.layer, tensors.grads);
  if (own) addWeightGradients(pass, ref.group, own.groups[ref.group.name], tensors);
  const lora = loraOf(pass, ref);
  const dy = lora && hasDora(lora) ? doraGradient(pass, ref, lora.group, tensors) : tensors.dy;
  const back = lora && loraBackward(pass, ref, lora, { ...tensors, dy, ldx });
  const products = [...rowsOf(weights, { start: 0, width })];
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
      accumulate: i > 0 || accumulate,
      lora: i === products.length - 1 ? (back?.epilogue ?? null) : null,
    });
  });
  back?.finish();
}

/** dW += dyᵀ x, one product for all projections if their gradients are one matrix; dbias += Σ dy. */
function addWeightGradients(
  pass: Pass,
  { width, inFeatures: n }: FusedGroup,
  gradient: GroupWeights,
  { x, dy }: { x: Tensor; dy: Tensor },
): void {
  const { rows: k } = pass;
  for (const { chunk, count: m, start: aOffset } of rowsOf(gradient, { start: 0, width })) {
    const target = { c: chunk.data, m, n, k, accumulate: true };
    matmul(pass.commands, { layout: 'TN', a: dy, lda: width, aOffset, w: x, ...target });
  }
  if (gradient.bias) addSums(pass, { dy, rows: k, columns: width, sums: gradient.bias });
}
