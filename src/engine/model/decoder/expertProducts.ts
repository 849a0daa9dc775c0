import type { Tensor } from '../../gpu/tensor.ts';
import type { ExpertOrder } from '../../kernels/expertOrder.ts';
import { matmul, type MatmulGroups } from '../../kernels/matmul.ts';
import { groupsOf, type FusedGroup } from '../spec/fusedProjections.ts';
import type { ExpertRows } from '../spec/experts.ts';
import type { LoraPair } from '../trained/loraGroup.ts';
import { activeTrainable } from '../trained/trainable.ts';
import type { BlockWeights, ExpertMatrix } from '../weights/weights.ts';
import { activation } from './activations.ts';
import type { ParameterBuffers } from './parameters.ts';
import type { Pass } from './pass.ts';

/** One of the two products of a layer's experts. */
export interface ExpertsRef {
  layer: number;
  group: ExpertRows['of'];
}

/** What experts have in common where an adapter is trained: A and B of all, and u = x Aᵀ [pairs, rank]. */
interface ExpertLora {
  pair: LoraPair;
  u: Tensor;
  scale: number;
}

/**
 * y = x Wᵀ + scale · (x Aᵀ) Bᵀ, each row with the matrices of its expert.
 * @param x [pairs, in], sorted by expert
 * @param y [pairs, out]
 */
export function expertProduct(
  pass: Pass,
  ref: ExpertsRef,
  { experts }: BlockWeights,
  { starts }: ExpertOrder,
  { x, y }: { x: Tensor; y: Tensor },
): void {
  const { commands } = pass;
  const { inFeatures: k, width: ldc } = groupOf(pass, ref);
  const m = pairsOf(pass);
  for (const matrix of experts![ref.group]) {
    const { chunk, rows: n, column: cOffset } = matrix;
    const groups = { starts, ...groupsIn(matrix) };
    matmul(commands, { layout: 'NT', a: x, w: chunk, c: y, ldc, cOffset, m, n, k, groups });
  }
  const lora = expertLoraHidden(pass, ref, { starts }, x);
  if (!lora) return;
  const { u, scale, pair } = lora;
  const groups = stacked(pass, starts, ldc);
  const target = { c: y, m, n: ldc, k: pair.rank, accumulate: true };
  matmul(commands, { layout: 'NT', a: u, w: pair.b, ...target, groups, scale });
}

/** Computes u = x Aᵀ, which the backward pass uses again; null without an adapter. */
export function expertLoraHidden(
  pass: Pass,
  ref: ExpertsRef,
  { starts }: Pick<ExpertOrder, 'starts'>,
  x: Tensor,
): ExpertLora | null {
  const lora = loraOf(pass, ref);
  if (!lora) return null;
  const { pair, u } = lora;
  const { rank: n } = pair;
  const { inFeatures: k } = groupOf(pass, ref);
  const groups = stacked(pass, starts, n);
  matmul(pass.commands, { layout: 'NT', a: x, w: pair.a, c: u, m: pairsOf(pass), n, k, groups });
  return lora;
}

/**
 * The gradient of `expertProduct`: dx = dy W + (scale · dy B) A, and those of the trained A and B, or of W.
 * @param dy [pairs, out] f32
 * @param dx f32, written to the first `in` of every `ldx` columns
 */
export function expertProductBackward(
  pass: Pass,
  ref: ExpertsRef,
  { experts }: BlockWeights,
  { starts }: ExpertOrder,
  tensors: { x: Tensor; dy: Tensor; dx: Tensor; ldx: number; grads: ParameterBuffers },
): void {
  const { x, dy, dx, ldx: ldc, grads } = tensors;
  const { commands } = pass;
  const { inFeatures: n, width: lda } = groupOf(pass, ref);
  const m = pairsOf(pass);
  const own = activeTrainable(pass)?.block(ref.layer, grads)?.experts ?? null;
  for (const matrix of own?.[ref.group] ?? []) {
    const groups = { starts, ...groupsIn(matrix) };
    const target = { c: matrix.chunk.data, m: matrix.rows, n, k: m, accumulate: true };
    matmul(commands, { layout: 'TN', a: dy, lda, w: x, ...target, groups });
  }
  for (const matrix of experts![ref.group]) {
    const { chunk, rows: k, column: aOffset } = matrix;
    // Where an expert's rows are in several matrices, the first of them writes.
    const target = { c: dx, ldc, m, n, k, accumulate: aOffset > 0 };
    const groups = { starts, ...groupsIn(matrix) };
    matmul(commands, { layout: 'NN', a: dy, lda, aOffset, w: chunk, ...target, groups });
  }
  addLoraGradients(pass, ref, starts, tensors);
}

function addLoraGradients(
  pass: Pass,
  ref: ExpertsRef,
  starts: Tensor,
  { x, dy, dx, ldx, grads }: { x: Tensor; dy: Tensor; dx: Tensor; ldx: number; grads: ParameterBuffers },
): void {
  const lora = loraOf(pass, ref);
  if (!lora) return;
  const { commands, workspace } = pass;
  const { pair, u, scale } = lora;
  const { rank } = pair;
  const { inFeatures, width } = groupOf(pass, ref);
  const m = pairsOf(pass);
  const gradient = pass.adapter!.pair(ref.layer, pathOf(pass, ref), grads)!;
  const dU = workspace.get(`lora dU ${ref.group}`, 'f32', [m, rank]);
  const [ofA, ofB] = [stacked(pass, starts, rank), stacked(pass, starts, width)];
  matmul(commands, { layout: 'NN', a: dy, w: pair.b, c: dU, m, n: rank, k: width, groups: ofB, scale });
  const toB = { c: gradient.b, m: width, n: rank, k: m, groups: ofB, accumulate: true };
  matmul(commands, { layout: 'TN', a: dy, w: u, ...toB, scale });
  const toA = { c: gradient.a, m: rank, n: inFeatures, k: m, groups: ofA, accumulate: true };
  matmul(commands, { layout: 'TN', a: dU, w: x, ...toA });
  const toX = { c: dx, ldc: ldx, m, n: inFeatures, k: rank, groups: ofA, accumulate: true };
  matmul(commands, { layout: 'NN', a: dU, w: pair.a, ...toX });
}

function loraOf(pass: Pass, ref: ExpertsRef): ExpertLora | null {
  const pair = activeTrainable(pass)?.pair(ref.layer, pathOf(pass, ref));
  if (!pair) return null;
  const u = activation(pass, `lora u ${ref.group}`, 'f32', [pairsOf(pass), pair.rank]);
  return { pair, u, scale: pair.scale * pass.strength };
}

function groupsIn({ first, count, stride: rows }: ExpertMatrix): Omit<MatmulGroups, 'starts'> {
  return { first, count, rows };
}

/** All experts, with `rows` rows each. */
function stacked({ spec }: Pass, starts: Tensor, rows: number): MatmulGroups {
  return { starts, first: 0, count: spec.experts!.experts, rows };
}

function groupOf({ spec }: Pass, { group }: ExpertsRef): FusedGroup {
  return groupsOf(spec)[group];
}

function pathOf(pass: Pass, ref: ExpertsRef): string {
  return groupOf(pass, ref).linears[0]!.path;
}

function pairsOf({ rows, spec }: Pass): number {
  return rows * spec.experts!.top;
}
