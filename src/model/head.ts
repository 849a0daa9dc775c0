import { reshape, slice, type Tensor } from '../gpu/tensor.ts';
import { crossEntropy } from '../kernels/crossEntropy.ts';
import { matmul } from '../kernels/matmul.ts';
import { rmsNorm, rmsNormBackward } from '../kernels/rmsNorm.ts';
import { gatherRows, scatterRows } from '../kernels/rows.ts';
import type { Weight } from '../kernels/weight.ts';
import type { BatchTensors } from './batchTensors.ts';
import type { AdapterUse, Decoder } from './decoder.ts';
import type { ParameterBuffers } from './parameters.ts';
import { savedWeight } from './savedModules.ts';

/** Rows of logits are made in multiples of this, so that views of per-row buffers stay aligned to 256 bytes. */
const ROW_MULTIPLE = 64;

/**
 * Rows of logits held at once: about as many numbers as the residual stream has, so that a large vocabulary
 * never decides the memory of a step.
 * @param rows T, @param hidden d, @param vocab V, @param maxBytes of one binding
 */
export function logitRows(rows: number, hidden: number, vocab: number, maxBytes: number): number {
  const balanced = Math.ceil(rows / Math.ceil(vocab / hidden) / ROW_MULTIPLE) * ROW_MULTIPLE;
  const allowed = Math.max(1, Math.floor(maxBytes / (4 * vocab)));
  return balanced <= allowed
    ? balanced
    : Math.max(ROW_MULTIPLE, Math.floor(allowed / ROW_MULTIPLE) * ROW_MULTIPLE);
}

/**
 * Final norm, head and cross-entropy over the supervised tokens only, a chunk of rows at a time.
 * @param hidden [T, d] f32, the residual stream after the last block
 * @param losses [R] f32 or longer; receives the loss of each target
 * @param scale what each loss counts in the gradient: 1 / targets of the optimizer step
 * @param backward dHidden [T, d] f32 receives the gradient, zero where there is no target; the gradient of a trained
 *   head is added to grads. Without it, only the losses
 */
export async function headLoss(
  decoder: Decoder,
  use: AdapterUse,
  batch: BatchTensors,
  {
    hidden,
    losses,
    scale,
    backward,
  }: {
    hidden: Tensor;
    losses: Tensor;
    scale: number;
    backward?: { dHidden: Tensor; grads: ParameterBuffers };
  },
): Promise<void> {
  const { commands, workspace, spec, weights, gpu } = decoder;
  const { hiddenSize: d, vocabSize: vocab, normEps: eps } = spec;
  if (backward) commands.clear(backward.dHidden);
  const count = batch.targets;
  if (count === 0) return;
  const head = savedWeight(use, 'head') ?? (await weights.head());
  const gradient = backward ? savedWeight(use, 'head', backward.grads) : null;
  const norm = await weights.finalNorm();
  const x = workspace.get('head x', 'f32', [count, d], 'loss');
  const y = workspace.get('head norm', decoder.type, [count, d], 'loss');
  const dy = workspace.get('head dNorm', 'f32', [count, d], 'loss');
  const rstd = workspace.get('head rstd', 'f32', [count], 'loss');
  gatherRows(commands, { x: hidden, y: x, index: batch.targetRows, rows: count, dim: d });
  rmsNorm(commands, { x, weight: norm, y, rstd, rows: count, eps });
  const step = logitRows(batch.rows, d, vocab, gpu.maxBinding);
  const logits = workspace.get('logits', 'f32', [Math.min(step, count), vocab], 'loss');
  for (let start = 0; start < count; start += step) {
    const rows = Math.min(step, count - start);
    headLogits(decoder, head, { x: y, start, rows, logits });
    const targets = slice(batch.targetIds, start, [rows]);
    crossEntropy(commands, {
      logits,
      targets,
      losses,
      rows,
      vocab,
      scale,
      lossOffset: start,
      backward: backward !== undefined,
    });
    if (backward) headBackward(decoder, head, { dLogits: logits, start, rows, dx: dy });
    if (gradient) addHeadGradient(decoder, gradient, { dLogits: logits, x: y, start, rows });
    commands.submit();
  }
  if (!backward) return;
  const dx = workspace.get('head dx', 'f32', [count, d], 'loss');
  rmsNormBackward(commands, { dy, x, weight: norm, rstd, dx, rows: count, accumulate: false });
  scatterRows(commands, { x: backward.dHidden, y: dx, index: batch.targetRows, rows: count, dim: d });
}

/**
 * Logits of some tokens, without a loss.
 * @param hidden [T, d] f32, @param index [count] u32: which rows of it
 * @returns [count, V] f32, scratch of the workspace
 */
export async function logitsOf(
  decoder: Decoder,
  use: AdapterUse,
  hidden: Tensor,
  index: Tensor,
  count: number,
): Promise<Tensor> {
  const { commands, workspace, spec, weights } = decoder;
  const { hiddenSize: d, vocabSize, normEps: eps } = spec;
  const head = savedWeight(use, 'head') ?? (await weights.head());
  const norm = await weights.finalNorm();
  const x = workspace.get('head x', 'f32', [count, d], 'loss');
  const y = workspace.get('head norm', decoder.type, [count, d], 'loss');
  const rstd = workspace.get('head rstd', 'f32', [count], 'loss');
  const logits = workspace.get('logits', 'f32', [count, vocabSize], 'loss');
  gatherRows(commands, { x: hidden, y: x, index, rows: count, dim: d });
  rmsNorm(commands, { x, weight: norm, y, rstd, rows: count, eps });
  headLogits(decoder, head, { x: y, start: 0, rows: count, logits });
  return reshape(logits, [count, vocabSize]);
}

function headLogits(
  { commands, spec }: Decoder,
  head: Weight,
  { x, start, rows, logits }: { x: Tensor; start: number; rows: number; logits: Tensor },
): void {
  const { hiddenSize: k, vocabSize } = spec;
  for (const w of head.chunks) {
    const place = { aOffset: start * k, ldc: vocabSize, cOffset: w.rowStart };
    matmul(commands, { layout: 'NT', a: x, w, c: logits, m: rows, n: w.rows, k, ...place });
  }
}

function headBackward(
  { commands, spec }: Decoder,
  head: Weight,
  { dLogits, start, rows, dx }: { dLogits: Tensor; start: number; rows: number; dx: Tensor },
): void {
  const { hiddenSize: n, vocabSize } = spec;
  head.chunks.forEach((w, i) => {
    const place = { lda: vocabSize, aOffset: w.rowStart, cOffset: start * n };
    const sums = { c: dx, accumulate: i > 0 };
    matmul(commands, { layout: 'NN', a: dLogits, w, ...sums, m: rows, n, k: w.rows, ...place });
  });
}

/** dW += dLogitsᵀ · x: the gradient of a head that is trained itself. */
function addHeadGradient(
  { commands, spec }: Decoder,
  gradient: Weight,
  { dLogits, x, start, rows }: { dLogits: Tensor; x: Tensor; start: number; rows: number },
): void {
  const { hiddenSize: n, vocabSize } = spec;
  for (const { rowStart, rows: m, data: c } of gradient.chunks) {
    const place = { lda: vocabSize, aOffset: rowStart, wRow: start, accumulate: true };
    matmul(commands, { layout: 'TN', a: dLogits, w: x, c, m, n, k: rows, ...place });
  }
}
