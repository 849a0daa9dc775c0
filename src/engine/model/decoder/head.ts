import { reshape, slice, type Tensor } from '../../gpu/tensor.ts';
import { crossEntropyBackward, logSumExp, LOSS_STATE } from '../../kernels/crossEntropy.ts';
import { toLogits, type LogitForm } from '../../kernels/logits.ts';
import { gatherRows, scatterRows } from '../../kernels/rows.ts';
import type { Weight } from '../../kernels/weight.ts';
import type { BatchTensors } from './batchTensors.ts';
import type { AdapterUse, Decoder } from './decoder.ts';
import {
  finishHeadLora,
  headLoraBackward,
  headLoraOf,
  headLoraRows,
  type HeadLora,
  type HeadLoraRows,
} from '../trained/headLora.ts';
import { addHeadGradient, headBackward, headLogits } from './headProducts.ts';
import type { RowChunk } from './pass.ts';
import type { ParameterBuffers } from './parameters.ts';
import type { Dropout } from './pass.ts';
import { activeTrainable } from '../trained/trainable.ts';
import { normBackward, normForward } from './norm.ts';
import { partRows } from '../weights/vocabulary.ts';
import { onePart, type MatrixParts } from '../weights/weights.ts';

/** Beyond this many parts of the head, a dry device needs no more memory. */
const DRY_PARTS = 3;

/** Chunks of logits start at multiples of this many rows, which keeps views of per-row buffers aligned to 256 bytes. */
const ROW_MULTIPLE = 64;

/**
 * Rows of logits to compute at a time: about as many elements as the residual stream, so that a large vocabulary never
 * dominates a step's memory.
 * @param rows T, @param hidden d, @param vocab V, @param maxBytes of one binding
 */
export function logitRows(rows: number, hidden: number, vocab: number, maxBytes: number): number {
  const balanced = Math.ceil(rows / Math.ceil(vocab / hidden) / ROW_MULTIPLE) * ROW_MULTIPLE;
  const allowed = Math.max(1, Math.floor(maxBytes / (4 * vocab)));
  return balanced <= allowed
    ? balanced
    : Math.max(ROW_MULTIPLE, Math.floor(allowed / ROW_MULTIPLE) * ROW_MULTIPLE);
}

/** The supervised tokens of a micro-batch as input of the head. */
export interface HeadInput {
  batch: BatchTensors;
  /** [T, d] f32, the residual stream after the last block. */
  hidden: Tensor;
  /** [R] f32 or longer; receives each target's loss times its weight. */
  losses: Tensor;
  /** [T, d] f32, receives the gradient, zero for tokens without a target; null computes only the losses. */
  dHidden: Tensor | null;
  /** [R] f32, filled by `weigh`: the weight of each loss in the gradient, in place of its own. */
  gradientWeights?: Tensor | null;
  /** Distinguishes its tensors from those of other micro-batches in flight. */
  name?: string;
  /** On the input of the head's LoRA. */
  dropout?: Dropout | null;
  /** What the head's products become, in place of the model's logits: those at another temperature. */
  form?: LogitForm | undefined;
}

/** The factor of each loss in the gradient, and where the gradient of a trained head is accumulated. */
interface LossScale {
  /** 1 / targets of the optimizer step. */
  scale: number;
  grads: ParameterBuffers;
  /** Called between all losses and their gradients, where the weights in the gradient depend on the losses. */
  weigh?: (() => Promise<void>) | undefined;
}

/** Gradients of a head and final norm that are trained; null for frozen ones. */
interface EndGradients {
  head: Weight | null;
  norm: Tensor | null;
}

/**
 * Final norm, head and cross-entropy over the supervised tokens only, a chunk of rows at a time.
 * @param backward dHidden as in `HeadInput`; the gradient of a trained head is accumulated into grads. Without it, only
 *   the losses are computed
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
  const input = { batch, hidden, losses, dHidden: backward?.dHidden ?? null, dropout: use.dropout };
  await headLosses(decoder, use, [input], { scale, grads: backward?.grads ?? [] });
}

/**
 * `headLoss` of several micro-batches. If the head is loaded in parts, or the losses are to be weighed, all of them pass
 * through it twice, for the losses and for the gradient, which recomputes the logits. The bits are the same as with the
 * whole head.
 */
export async function headLosses(
  decoder: Decoder,
  use: AdapterUse,
  inputs: readonly HeadInput[],
  options: LossScale,
): Promise<void> {
  const { commands, weights } = decoder;
  for (const { dHidden } of inputs) if (dHidden) commands.clear(dHidden);
  const supervised = inputs.filter(({ batch }) => batch.targets > 0);
  if (supervised.length === 0) return;
  const trained = activeTrainable(use);
  const own = trained?.vocabulary('head');
  const head = own ? onePart(own) : await weights.vocabulary('head');
  const norm = trained?.finalNorm() ?? (await weights.finalNorm());
  const backward = supervised.some(({ dHidden }) => dHidden !== null);
  const lora = headLoraOf(use, backward ? options.grads : null);
  const gradients = {
    head: (backward && trained?.vocabulary('head', options.grads)) || null,
    norm: (backward && trained?.finalNorm(options.grads)) || null,
  };
  const { scale, weigh } = options;
  if (head.count > 1 || weigh)
    return lossesByParts(decoder, head, norm, supervised, { scale, weigh, gradients, lora });
  const whole = await head.part(0);
  for (const input of supervised) wholeLosses(decoder, whole, norm, input, { ...options, gradients, lora });
  if (weights.streams) commands.submit();
  else commands.maySubmit();
  head.release(0);
}

/** Losses and gradient with the whole head loaded: each chunk of rows is finished before the next. */
function wholeLosses(
  decoder: Decoder,
  head: Weight,
  norm: Tensor | null,
  input: HeadInput,
  {
    scale,
    gradients,
    lora,
  }: {
    scale: number;
    gradients: EndGradients;
    lora: HeadLora | null;
  },
): void {
  const { commands } = decoder;
  const rows = normedRows(decoder, norm, { ...input, name: '' }, lora);
  const logits = logitsFor(decoder, rows, decoder.spec.vocabSize);
  for (const chunk of chunksOf(decoder, rows)) {
    addToLosses(decoder, head, rows, chunk, logits, input.dHidden ? scale : undefined);
    if (input.dHidden) {
      headBackward(decoder, head, { dLogits: logits, ...chunk, dx: rows.dy, isFirst: true });
      if (rows.lora) headLoraBackward(decoder, rows.lora, head, { dLogits: logits, ...chunk, isFirst: true });
    }
    if (input.dHidden && gradients.head)
      addHeadGradient(decoder, gradients.head, { dLogits: logits, x: rows.y, ...chunk });
    commands.maySubmit();
  }
  finalNormBackward(decoder, norm, input, rows, gradients.norm);
}

/** All losses and then all gradients, with one part of the head loaded at a time. */
async function lossesByParts(
  decoder: Decoder,
  head: MatrixParts,
  norm: Tensor | null,
  inputs: readonly HeadInput[],
  {
    scale,
    weigh,
    gradients,
    lora,
  }: Pick<LossScale, 'scale' | 'weigh'> & { gradients: EndGradients; lora: HeadLora | null },
): Promise<void> {
  const { commands, spec, gpu } = decoder;
  const backward = inputs.some(({ dHidden }) => dHidden !== null);
  const all = inputs.map((input) => ({ input, rows: normedRows(decoder, norm, input, lora) }));
  const width = head.count > 1 ? partRows(spec, gpu.maxBinding) : spec.vocabSize;
  const prefetch = (i: number) => head.prefetch(i >= 0 && i < head.count ? [i] : []);
  // On a dry device, the first parts and the longest micro-batches determine the memory.
  const last = (gpu.dry ? Math.min(head.count, DRY_PARTS) : head.count) - 1;
  const passing = gpu.dry
    ? all.filter(({ rows }, i) => i === 0 || rows.batch.targets > maxTargets(all, i))
    : all;
  for (let i = 0; i <= last; i++) {
    const part = await head.part(i);
    // The backward pass starts with the parts that are still loaded.
    prefetch(i < last ? i + 1 : backward ? i - 1 : 0);
    for (const { rows } of passing) {
      const logits = logitsFor(decoder, rows, width);
      for (const chunk of chunksOf(decoder, rows)) addToLosses(decoder, part, rows, chunk, logits);
      commands.submit();
    }
    head.release(i);
  }
  await weigh?.();
  for (let i = last; backward && i >= 0; i--) {
    const part = await head.part(i);
    prefetch(i > 0 ? i - 1 : 1);
    for (const { rows } of passing) {
      const logits = logitsFor(decoder, rows, width);
      for (const chunk of chunksOf(decoder, rows)) {
        headLogits(decoder, part, { x: rows.y, ...chunk, logits, lora: rows.lora });
        lossGradient(decoder, part, rows, chunk, logits, scale);
        const back = { dLogits: logits, ...chunk, isFirst: i === last };
        headBackward(decoder, part, { ...back, dx: rows.dy });
        if (rows.lora) headLoraBackward(decoder, rows.lora, part, back);
        if (gradients.head)
          addHeadGradient(decoder, gradients.head, { dLogits: logits, x: rows.y, ...chunk });
      }
      commands.submit();
    }
    head.release(i);
  }
  for (const { input, rows } of all) finalNormBackward(decoder, norm, input, rows, gradients.norm);
}

/** The supervised rows of a micro-batch after the final norm, and the state of their losses. */
interface NormedRows {
  batch: BatchTensors;
  losses: Tensor;
  gradientWeights: Tensor | null;
  /** Rows of logits computed at a time. */
  step: number;
  form: LogitForm;
  /** [R, d] in the type of activations. */
  y: Tensor;
  /** [R, d] f32, d loss/d y. */
  dy: Tensor;
  rstd: Tensor;
  state: Tensor;
  lora: HeadLoraRows | null;
}

function* chunksOf({ gpu }: Decoder, { batch, step }: NormedRows): Generator<RowChunk> {
  for (let start = 0; start < batch.targets; start += step) {
    // On a dry device, only the first and the last chunk allocate memory.
    if (gpu.dry && start > 0 && start + step < batch.targets) continue;
    yield { start, rows: Math.min(step, batch.targets - start) };
  }
}

/** The most targets of any of the first `end` micro-batches. */
function maxTargets(all: readonly { rows: NormedRows }[], end: number): number {
  return all.slice(0, end).reduce((largest, { rows }) => Math.max(largest, rows.batch.targets), 0);
}

function normedRows(
  decoder: Decoder,
  norm: Tensor | null,
  { batch, hidden, losses, gradientWeights = null, name = '', dropout = null, form }: HeadInput,
  headLora: HeadLora | null,
): NormedRows {
  const { commands, workspace, spec, gpu, type } = decoder;
  const { hiddenSize: d, vocabSize } = spec;
  const { targets: count, targetRows: index } = batch;
  const x = workspace.get('head x', 'f32', [count, d], 'loss');
  const y = workspace.get(`head norm${name}`, type, [count, d], 'loss');
  const dy = workspace.get(`head dNorm${name}`, 'f32', [count, d], 'loss');
  const rstd = workspace.get(`head rstd${name}`, 'f32', [count], 'loss');
  const state = workspace.get(`head softmax${name}`, 'f32', [count, LOSS_STATE], 'loss');
  gatherRows(commands, { x: hidden, y: x, index, rows: count, dim: d });
  normForward(decoder, { x, weight: norm, y, rstd, rows: count });
  const step = logitRows(batch.rows, d, vocabSize, gpu.maxBinding);
  const lora = headLora && headLoraRows(decoder, headLora, { y, rows: count, mask: dropout, name });
  return { batch, losses, gradientWeights, step, form: form ?? spec.logits, y, dy, rstd, state, lora };
}

function finalNormBackward(
  decoder: Decoder,
  norm: Tensor | null,
  input: HeadInput,
  { rstd, dy, y, lora }: NormedRows,
  gradient: Tensor | null,
): void {
  const { commands, workspace, spec } = decoder;
  const { hiddenSize: dim } = spec;
  const { batch, hidden, dHidden } = input;
  if (!dHidden) return;
  const { targets: rows, targetRows: index } = batch;
  const x = workspace.get('head x', 'f32', [rows, dim], 'loss');
  const dx = workspace.get('head dx', 'f32', [rows, dim], 'loss');
  if (lora) finishHeadLora(decoder, lora, { y, dy, rows });
  // Gathered again: other micro-batches may have overwritten it.
  gatherRows(commands, { x: hidden, y: x, index, rows, dim });
  normBackward(decoder, { dy, x, weight: norm, rstd, dx, rows, accumulate: false, gradient });
  scatterRows(commands, { x: dHidden, y: dx, index, rows, dim });
}

function logitsFor({ workspace }: Decoder, { batch, step }: NormedRows, columns: number): Tensor {
  return workspace.get('logits', 'f32', [Math.min(step, batch.targets), columns], 'loss');
}

/**
 * Computes the logits of a chunk of rows for a part of the vocabulary, and folds them into the rows' losses.
 * @param gradientScale turns logits of the whole vocabulary into their gradient
 */
function addToLosses(
  decoder: Decoder,
  part: Weight,
  rows: NormedRows,
  chunk: RowChunk,
  logits: Tensor,
  gradientScale?: number,
): void {
  const { commands, spec, gpu } = decoder;
  headLogits(decoder, part, { x: rows.y, ...chunk, logits, lora: rows.lora });
  const columns = { ...columnsOf(part, rows, chunk, logits), gradientScale };
  logSumExp(commands, { ...columns, part: partRows(spec, gpu.maxBinding), losses: rows.losses });
}

function lossGradient(
  { commands }: Decoder,
  part: Weight,
  rows: NormedRows,
  chunk: RowChunk,
  logits: Tensor,
  scale: number,
): void {
  const columns = columnsOf(part, rows, chunk, logits);
  const own = rows.gradientWeights && slice(rows.gradientWeights, chunk.start, [chunk.rows]);
  crossEntropyBackward(commands, { ...columns, weights: own ?? columns.weights, scale });
}

function columnsOf(
  part: Weight,
  { batch, state, form }: NormedRows,
  { start, rows }: RowChunk,
  logits: Tensor,
) {
  const width = part.chunks.reduce((sum, chunk) => sum + chunk.rows, 0);
  const targets = slice(batch.targetIds, start, [rows]);
  const weights = batch.targetWeights && slice(batch.targetWeights, start, [rows]);
  return {
    logits,
    form,
    targets,
    weights,
    state,
    rows,
    first: part.chunks[0]!.rowStart,
    width,
    offset: start,
  };
}

/**
 * Logits of some tokens, without a loss.
 * @param hidden [T, d] f32, @param index [count] u32: rows of hidden
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
  const { hiddenSize: d, vocabSize } = spec;
  const trained = activeTrainable(use);
  const own = trained?.vocabulary('head');
  const head = own ? onePart(own) : await weights.vocabulary('head');
  const norm = trained?.finalNorm() ?? (await weights.finalNorm());
  const x = workspace.get('head x', 'f32', [count, d], 'loss');
  const y = workspace.get('head norm', decoder.type, [count, d], 'loss');
  const rstd = workspace.get('head rstd', 'f32', [count], 'loss');
  const logits = workspace.get('logits', 'f32', [count, vocabSize], 'loss');
  gatherRows(commands, { x: hidden, y: x, index, rows: count, dim: d });
  normForward(decoder, { x, weight: norm, y, rstd, rows: count });
  const onHead = headLoraOf(use, null);
  const lora = onHead && headLoraRows(decoder, onHead, { y, rows: count, mask: null });
  for (let i = 0; i < head.count; i++) {
    const part = await head.part(i);
    if (i + 1 < head.count) head.prefetch([i + 1]);
    headLogits(decoder, part, {
      x: y,
      start: 0,
      rows: count,
      logits,
      lora,
      column: part.chunks[0]!.rowStart,
    });
    commands.submit();
    head.release(i);
  }
  toLogits(commands, { logits, count: count * vocabSize, form: spec.logits });
  return reshape(logits, [count, vocabSize]);
}
