import { readAbsmaxRange, readBnbElements } from '../../content/formats/quantized/bnbElements.ts';
import type { BnbMatrix } from '../../content/formats/quantized/types.ts';
import type { Gpu } from '../gpu/device.ts';
import { blockRows } from '../kernels/quantize.ts';
import { LoadContext } from '../model/weights/load/loadContext.ts';
import type { ModelFiles } from '../model/spec/openModel.ts';
import { exactRows, quantizationError, roundingError } from './exactRows.ts';
import { nestedScales } from './matrixRows.ts';
import type { MatrixSource } from './matrixSource.ts';
import type { MergedMatrix } from './mergedRows.ts';
import { proofFailed } from './proofFailed.ts';
import { referenceRows } from './referenceRows.ts';

/** Rows of each computed matrix to check in f64. */
const PROOF_ROWS = 4;

/**
 * Recomputes some rows of a matrix in f64 on the CPU, from the base's files in plain loops, and compares them with what
 * was written. Throws `merge.proof_failed` with the row.
 */
export async function checkRows(gpu: Gpu, matrix: MergedMatrix, written: ModelFiles): Promise<void> {
  const { source, module, format } = matrix;
  const { rows, cols } = source;
  const stored = written.matrices.get(source.module)!;
  const dtype = format.toUpperCase();
  const stride = Math.max(1, Math.floor(rows / PROOF_ROWS));
  // 4-bit blocks may span rows: reads enough rows for whole blocks.
  const unit = stored.kind === 'bnb' ? blockRows(cols, stored.blockSize) : 1;
  const starts = new Set<number>();
  for (let row = 0; row < rows; row += stride) starts.add(row - (row % unit));
  const groups = [...starts].map((row) => range(row, Math.min(rows, row + unit)));
  const before = await referenceRows(source, groups.flat(), await trainedScales(gpu, source));
  for (const [i, group] of groups.entries()) {
    const row = group[0]!;
    const first = groups.slice(0, i).reduce((sum, { length }) => sum + length, 0);
    const values = joined(before.slice(first, first + group.length), cols);
    const exact = exactRows(values, module, cols, row);
    const error =
      stored.kind === 'bnb'
        ? quantizationError(
            dtype,
            exact,
            await readBlocks(written, stored, row * cols, values.length),
            stored.blockSize,
          )
        : roundingError(dtype, exact, await readFloats(written, source, row, format === 'f32' ? 4 : 2));
    if (!(error <= 1)) throw proofFailed(`row ${row} of “${source.module}.weight” is not W + scale · B · A`);
  }
}

/** absmax as in training, if it was nested. */
async function trainedScales(gpu: Gpu, source: MatrixSource): Promise<Float32Array | null> {
  if (source.stored.kind !== 'float' || !source.nf4?.doubleQuant) return null;
  const context = new LoadContext(gpu, source.checkpoint);
  try {
    return await nestedScales(context, source);
  } finally {
    context.dispose();
  }
}

async function readBlocks({ checkpoint }: ModelFiles, stored: BnbMatrix, start: number, count: number) {
  const { blockSize, nested } = stored;
  const blocks = Math.ceil(count / blockSize);
  return {
    written: await readBnbElements(checkpoint, stored, start, count),
    scales: await readAbsmaxRange(checkpoint, stored, start / blockSize, blocks),
    nested: nested !== null,
  };
}

function readFloats({ checkpoint }: ModelFiles, { module, cols }: MatrixSource, row: number, width: number) {
  return checkpoint.readRange(`${module}.weight`, row * cols * width, cols * width);
}

function joined(rows: readonly Float32Array[], cols: number): Float32Array {
  const values = new Float32Array(rows.length * cols);
  rows.forEach((row, i) => values.set(row, i * cols));
  return values;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
