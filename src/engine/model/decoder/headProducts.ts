import type { Tensor } from '../../gpu/tensor.ts';
import { matmul } from '../../kernels/matmul.ts';
import type { Weight } from '../../kernels/weight.ts';
import type { Decoder } from './decoder.ts';
import { headEpilogue, type HeadLoraRows } from '../trained/headLora.ts';
import type { RowChunk } from './pass.ts';

/** Logits of a part of the vocabulary, written from `column` on. */
export function headLogits(
  { commands, spec }: Decoder,
  part: Weight,
  {
    x,
    start,
    rows,
    logits,
    column = 0,
    lora,
  }: RowChunk & { x: Tensor; logits: Tensor; column?: number; lora: HeadLoraRows | null },
): void {
  const { hiddenSize: k } = spec;
  const ldc = logits.shape[1]!;
  const first = part.chunks[0]!.rowStart;
  for (const w of part.chunks) {
    const offsets = { aOffset: start * k, ldc, cOffset: column + w.rowStart - first };
    const second = lora && headEpilogue(lora, start, w);
    matmul(commands, { layout: 'NT', a: x, w, c: logits, m: rows, n: w.rows, k, lora: second, ...offsets });
  }
}

/** dx (+)= dLogits · W, from the last rows of the head to the first: the order in which parts are loaded again. */
export function headBackward(
  { commands, spec }: Decoder,
  part: Weight,
  { dLogits, start, rows, dx, isFirst }: RowChunk & { dLogits: Tensor; dx: Tensor; isFirst: boolean },
): void {
  const { hiddenSize: n } = spec;
  const first = part.chunks[0]!.rowStart;
  [...part.chunks].reverse().forEach((w, i) => {
    const offsets = { lda: dLogits.shape[1]!, aOffset: w.rowStart - first, cOffset: start * n };
    const sums = { c: dx, accumulate: i > 0 || !isFirst };
    matmul(commands, { layout: 'NN', a: dLogits, w, ...sums, m: rows, n, k: w.rows, ...offsets });
  });
}

/** dW += dLogitsᵀ · x: the gradient of a fully trained head. */
export function addHeadGradient(
  { commands, spec }: Decoder,
  gradient: Weight,
  { dLogits, x, start, rows }: RowChunk & { dLogits: Tensor; x: Tensor },
): void {
  const { hiddenSize: n, vocabSize } = spec;
  for (const { rowStart, rows: m, data: c } of gradient.chunks) {
    const offsets = { lda: vocabSize, aOffset: rowStart, wRow: start, accumulate: true };
    matmul(commands, { layout: 'TN', a: dLogits, w: x, c, m, n, k: rows, ...offsets });
  }
}
