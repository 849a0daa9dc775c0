import type { Tensor } from '../../gpu/tensor.ts';
import { dropout } from '../../kernels/dropout.ts';
import { matmul, type LoraEpilogue } from '../../kernels/matmul.ts';
import type { Weight, WeightChunk } from '../../kernels/weight.ts';
import type { AdapterUse, Decoder } from '../decoder/decoder.ts';
import type { LoraPair } from './loraGroup.ts';
import type { ParameterBuffers } from '../decoder/parameters.ts';
import type { Dropout, RowChunk } from '../decoder/pass.ts';
import { activeTrainable } from './trainable.ts';

/** LoRA on the head in a pass: logits += scale · (drop(y) Aᵀ) Bᵀ. */
export interface HeadLora {
  /** A [rank, d] and B [V, rank]. */
  pair: LoraPair;
  scale: number;
  /** Their gradients, if a backward pass follows. */
  gradient: LoraPair | null;
}

/** Its intermediate results for some rows. */
export interface HeadLoraRows extends HeadLora {
  /** [R, rank] f32, drop(y) Aᵀ. */
  u: Tensor;
  /** [R, rank] f32, d loss/d u; null without a backward pass. */
  dU: Tensor | null;
  dropout: Dropout | null;
}

/**
 * LoRA on the head in a pass, or null.
 * @param grads null if only the losses are computed
 */
export function headLoraOf(use: AdapterUse, grads: ParameterBuffers | null): HeadLora | null {
  const trained = activeTrainable(use);
  const pair = trained?.headLora();
  if (!trained || !pair) return null;
  const gradient = grads && trained.headLora(grads);
  return { pair, scale: pair.scale * use.strength, gradient };
}

/**
 * Computes u = drop(y) Aᵀ for rows of the final norm's output.
 * @param y [R, d] f32 or f16
 * @param name distinguishes the tensors of micro-batches in flight
 */
export function headLoraRows(
  decoder: Decoder,
  lora: HeadLora,
  { y, rows, mask, name = '' }: { y: Tensor; rows: number; mask: Dropout | null; name?: string },
): HeadLoraRows {
  const { commands, workspace, spec } = decoder;
  const { rank } = lora.pair;
  const shape = [rows, rank];
  const u = workspace.get(`head lora u${name}`, 'f32', shape, 'loss');
  const dU = lora.gradient && workspace.get(`head lora dU${name}`, 'f32', shape, 'loss');
  const a = dropped(decoder, y, rows, mask);
  matmul(commands, { layout: 'NT', a, w: lora.pair.a, c: u, m: rows, n: rank, k: spec.hiddenSize });
  return { ...lora, u, dU, dropout: mask };
}

/** LoRA's part of the logits, for a chunk of rows and the head's rows in `w`. */
export function headEpilogue(
  { pair, scale, u }: HeadLoraRows,
  start: number,
  { rowStart }: WeightChunk,
): LoraEpilogue {
  const { rank, b } = pair;
  return { u, ldu: rank, uOffset: start * rank, rank, scale, b, bRow: rowStart };
}

/**
 * dU (+)= scale · dLogits B and dB += scale · dLogitsᵀ u for a chunk of rows and the columns of a part, from the last
 * rows of the head to the first like `headBackward`.
 */
export function headLoraBackward(
  { commands }: Decoder,
  { pair, scale, u, dU, gradient }: HeadLoraRows,
  part: Weight,
  { dLogits, start, rows, isFirst }: RowChunk & { dLogits: Tensor; isFirst: boolean },
): void {
  if (!dU || !gradient) return;
  const { rank } = pair;
  const lda = dLogits.shape[1]!;
  const first = part.chunks[0]!.rowStart;
  [...part.chunks].reverse().forEach(({ rowStart, rows: width }, i) => {
    const a = { a: dLogits, lda, aOffset: rowStart - first, scale };
    const toU = { c: dU, cOffset: start * rank, accumulate: i > 0 || !isFirst };
    matmul(commands, { layout: 'NN', ...a, w: pair.b, wRow: rowStart, ...toU, m: rows, n: rank, k: width });
    const toB = { c: gradient.b, cOffset: rowStart * rank, accumulate: true };
    matmul(commands, { layout: 'TN', ...a, w: u, wRow: start, ...toB, m: width, n: rank, k: rows });
  });
}

/**
 * dA += dUᵀ drop(y) and dy += drop'(dU A), once dU is summed over the whole vocabulary.
 * @param dy [R, d] f32
 */
export function finishHeadLora(
  decoder: Decoder,
  { pair, dU, gradient, dropout: mask }: HeadLoraRows,
  { y, dy, rows }: { y: Tensor; dy: Tensor; rows: number },
): void {
  if (!dU || !gradient) return;
  const { commands, workspace, spec } = decoder;
  const { rank } = pair;
  const { hiddenSize: d } = spec;
  const w = dropped(decoder, y, rows, mask);
  const toA = { c: gradient.a, accumulate: true };
  matmul(commands, { layout: 'TN', a: dU, w, ...toA, m: rank, n: d, k: rows });
  const product = { layout: 'NN', a: dU, w: pair.a, m: rows, n: d, k: rank } as const;
  if (!mask) {
    matmul(commands, { ...product, c: dy, accumulate: true });
    return;
  }
  const dDropped = workspace.get('head dDropped', 'f32', [rows, d], 'loss');
  matmul(commands, { ...product, c: dDropped });
  const same = { p: mask.p, seed: headSeed(decoder, mask) };
  dropout(commands, { x: dDropped, y: dy, count: rows * d, ...same, accumulate: true });
}

/** drop(y) [R, d], recomputed each time: the mask is a hash. */
function dropped(decoder: Decoder, y: Tensor, rows: number, mask: Dropout | null): Tensor {
  if (!mask) return y;
  const { commands, workspace, spec } = decoder;
  const out = workspace.get('head dropped', y.type, [rows, spec.hiddenSize], 'loss');
  const count = rows * spec.hiddenSize;
  dropout(commands, { x: y, y: out, count, p: mask.p, seed: headSeed(decoder, mask), accumulate: false });
  return out;
}

/** The head's own dropout seed, after those of the blocks' modules (`moduleSeed` in loraProducts.ts). */
function headSeed({ spec }: Decoder, { seed }: Dropout): number {
  const module = spec.layers * spec.linears.length;
  return (Math.imul(module + 1, 0x9e3779b1) ^ seed) >>> 0;
}
