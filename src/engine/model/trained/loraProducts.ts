import type { Tensor } from '../../gpu/tensor.ts';
import { dropout } from '../../kernels/dropout.ts';
import { matmul, type LoraEpilogue } from '../../kernels/matmul.ts';
import { activation } from '../decoder/activations.ts';
import type { LoraGroup, LoraPair } from './loraGroup.ts';
import type { ParameterBuffers } from '../decoder/parameters.ts';
import type { LayerRef, Pass } from '../decoder/pass.ts';
import type { FusedGroup } from '../spec/fusedProjections.ts';
import { activeTrainable } from './trainable.ts';

/** The adapters of fused projections in a pass. `loraLinearRef` has the unfused maths. */
export interface ActiveLora {
  group: LoraGroup;
  /** u = drop(x) Aᵀ [T, rank], all projections next to each other. */
  u: Tensor;
  /** A projection's scale in this pass. */
  scaleOf(pair: LoraPair): number;
}

/** A projection of a group that has an adapter. */
interface Member {
  pair: LoraPair;
  /** First column of its u. */
  column: number;
  /** First column of its output. */
  start: number;
  index: number;
}

/** The adapters of a group, with the u of `loraHidden`; null if the pass has none. */
export function loraOf(pass: Pass, { layer, group }: LayerRef): ActiveLora | null {
  const { strength, rows } = pass;
  const pairs = activeTrainable(pass)?.group(layer, group);
  if (!pairs) return null;
  const u = activation(pass, `lora u ${group.name}`, 'f32', [rows, pairs.rank]);
  return { group: pairs, u, scaleOf: ({ scale }) => scale * strength };
}

/** Computes u = drop(x) Aᵀ, which the group's backward pass uses again; null without an adapter. */
export function loraHidden(pass: Pass, ref: LayerRef, x: Tensor): ActiveLora | null {
  const lora = loraOf(pass, ref);
  if (!lora) return null;
  const { commands, rows: m } = pass;
  const { group, u: c } = lora;
  const { inFeatures: k } = ref.group;
  const ldc = group.rank;
  const whole = joinedA(pass, group);
  if (whole) {
    matmul(commands, { layout: 'NT', a: x, w: whole, c, m, n: ldc, k });
    return lora;
  }
  for (const { pair, column, index } of membersOf(ref.group, group)) {
    const a = droppedInput(pass, ref, index, x);
    matmul(commands, { layout: 'NT', a, w: pair.a, c, ldc, cOffset: column, m, n: pair.rank, k });
  }
  return lora;
}

/** y += scale · u Bᵀ, one projection at a time. */
export function addLora(pass: Pass, group: FusedGroup, { group: pairs, u, scaleOf }: ActiveLora, y: Tensor) {
  for (const { pair, column: aOffset, start: cOffset } of membersOf(group, pairs)) {
    const target = { c: y, ldc: group.width, cOffset, accumulate: true };
    const [n = 0, k = 0] = pair.b.shape;
    const factors = { a: u, lda: pairs.rank, aOffset, w: pair.b, scale: scaleOf(pair) };
    matmul(pass.commands, { layout: 'NT', ...factors, ...target, m: pass.rows, n, k });
  }
}

/**
 * The adapters' part of the gradient: dB += scale · dyᵀ u, dA += dUᵀ drop(x) with dU = scale · dy B. See
 * `loraLinearBackwardRef` for the unfused maths.
 * @returns the epilogue that adds their part of dx to the base's product; with dropout or separate matrices it is null,
 *   and `finish` adds that part
 */
export function loraBackward(
  pass: Pass,
  ref: LayerRef,
  lora: ActiveLora,
  tensors: { x: Tensor; dy: Tensor; dx: Tensor; ldx: number; grads: ParameterBuffers },
): { epilogue: LoraEpilogue | null; finish(): void } {
  const { x, dx, ldx, grads } = tensors;
  const { commands, workspace, rows: m } = pass;
  const { inFeatures: n } = ref.group;
  const { group } = lora;
  const gradient = pass.adapter!.group(ref.layer, ref.group, grads)!;
  const dU = workspace.get(`lora dU ${ref.group.name}`, 'f32', [m, group.rank]);
  outputGradients(pass, ref.group, lora, gradient, { dy: tensors.dy, dU });
  const whole = joinedA(pass, group);
  // dU is stored [T, rank], of which a projection has a column range: TN takes a as [k, m].
  const addToA = ({ pair, column: aOffset, index }: Member, w: Tensor) => {
    const dA = { c: gradient.pairs[index]!.a, accumulate: true };
    matmul(commands, { layout: 'TN', a: dU, lda: group.rank, aOffset, w, ...dA, m: pair.trained, n, k: m });
  };
  if (whole && gradient.a) {
    const dA = { c: gradient.a, accumulate: true };
    if (hasFrozen(group)) for (const member of membersOf(ref.group, group)) addToA(member, x);
    else matmul(commands, { layout: 'TN', a: dU, w: x, ...dA, m: group.rank, n, k: m });
    const epilogue = { u: dU, ldu: group.rank, rank: group.rank, scale: 1, b: whole };
    return { epilogue, finish: () => undefined };
  }
  const finish = () => {
    for (const member of membersOf(ref.group, group)) {
      const { pair, column: aOffset, index } = member;
      const { rank } = pair;
      addToA(member, droppedInput(pass, ref, index, x));
      const factors = { a: dU, lda: group.rank, aOffset, w: pair.a };
      if (!pass.dropout) {
        matmul(commands, { layout: 'NN', ...factors, c: dx, ldc: ldx, m, n, k: rank, accumulate: true });
        continue;
      }
      const dDropped = workspace.get(`dDropped ${n}`, 'f32', [m, n]);
      matmul(commands, { layout: 'NN', ...factors, c: dDropped, m, n, k: rank });
      const mask = { p: pass.dropout.p, seed: moduleSeed(pass, ref, index) };
      const target = { y: dx, columns: n, ldy: ldx, accumulate: true };
      dropout(commands, { x: dDropped, count: m * n, ...mask, ...target });
    }
  };
  return { epilogue: null, finish };
}

/** dU = scale · dy B and dB += scale · dyᵀ u: one product each if B is one matrix, else one per projection. */
function outputGradients(
  { commands, rows }: Pass,
  fused: FusedGroup,
  { group, u, scaleOf }: ActiveLora,
  gradient: LoraGroup,
  { dy, dU }: { dy: Tensor; dU: Tensor },
): void {
  const { starts, width: lda } = fused;
  const ldu = group.rank;
  const [first] = group.pairs;
  if (group.b && gradient.b && first && !hasFrozen(group)) {
    const { rank } = first;
    const scale = scaleOf(first);
    const members = <A extends 'm' | 'k'>(along: A) => (starts.length > 1 ? { along, starts } : null);
    const toU = { c: dU, ldc: ldu, m: rows, n: rank, k: lda, members: members('k') };
    matmul(commands, { layout: 'NN', a: dy, w: group.b, ...toU, scale });
    const toB = { c: gradient.b, m: lda, n: rank, k: rows, members: members('m'), accumulate: true };
    matmul(commands, { layout: 'TN', a: dy, w: u, ldw: ldu, ...toB, scale });
    return;
  }
  for (const { pair, column, start: aOffset, index } of membersOf(fused, group)) {
    const [width = 0, rank = 0] = pair.b.shape;
    const scale = scaleOf(pair);
    const toU = { c: dU, ldc: ldu, cOffset: column, m: rows, n: rank, k: width };
    matmul(commands, { layout: 'NN', a: dy, lda, aOffset, w: pair.b, ...toU, scale });
    const target = { c: gradient.pairs[index]!.b, ldc: rank, accumulate: true };
    const toB = { ...target, m: width, n: pair.trained, k: rows };
    matmul(commands, { layout: 'TN', a: dy, lda, aOffset, w: u, ldw: ldu, wCol: column, ...toB, scale });
  }
}

/** Whether some of the rank gets no gradient; gradients are then those of one projection each. */
function hasFrozen({ pairs }: LoraGroup): boolean {
  return pairs.some((pair) => pair !== null && pair.trained < pair.rank);
}

function membersOf({ starts }: FusedGroup, { pairs, columns }: LoraGroup): Member[] {
  return pairs.flatMap((pair, index) =>
    pair ? [{ pair, column: columns[index]!, start: starts[index]!, index }] : [],
  );
}

/** All A as one matrix. With dropout, each projection has its own mask, and so its own input. */
function joinedA({ dropout: mask }: Pass, { a }: LoraGroup): Tensor | null {
  return mask ? null : a;
}

/** drop(x) [T, in], recomputed each time: the mask is a hash. */
function droppedInput(pass: Pass, ref: LayerRef, index: number, x: Tensor): Tensor {
  if (!pass.dropout) return x;
  const { commands, workspace, rows } = pass;
  const { inFeatures: k } = ref.group;
  const y = workspace.get(`dropped ${k}`, x.type, [rows, k]);
  const mask = { p: pass.dropout.p, seed: moduleSeed(pass, ref, index) };
  dropout(commands, { x, y, count: rows * k, ...mask, accumulate: false });
  return y;
}

/** A separate mask per module, as in PEFT, and the same in forward and backward. */
function moduleSeed({ spec, dropout: mask }: Pass, { layer, group }: LayerRef, index: number): number {
  const module = layer * spec.linears.length + spec.linears.indexOf(group.linears[index]!);
  return (Math.imul(module + 1, 0x9e3779b1) ^ (mask?.seed ?? 0)) >>> 0;
}
