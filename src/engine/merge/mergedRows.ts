import type { PeftModule } from '../../content/formats/peft.ts';
import type { Gpu } from '../gpu/device.ts';
import type { ElementType, Tensor } from '../gpu/tensor.ts';
import { upload } from '../gpu/transfer.ts';
import { doraScales } from '../kernels/dora.ts';
import { mergeLora } from '../kernels/mergeLora.ts';
import type { FloatFormat } from '../kernels/weight.ts';
import type { LoadContext } from '../model/weights/load/loadContext.ts';
import { BLOCK_ELEMENTS, matrixRows, rowFormat, type RowBlock } from './matrixRows.ts';
import type { MatrixSource } from './matrixSource.ts';
import { MergeWorkspace } from './mergeWorkspace.ts';

/** A matrix of the base, and what is added to it. */
export interface MergedMatrix {
  source: MatrixSource;
  /** Null leaves the matrix unchanged. */
  module: PeftModule | null;
  /** The format that sums are rounded to, once. */
  format: FloatFormat;
}

/**
 * W + scale · B · A, with DoRA times magnitude / norm of each row, one block of rows at a time, on the GPU: f32
 * arithmetic, one rounding. The next block is computed on demand, in the buffer of the one before.
 */
export async function* mergedRows(
  context: LoadContext,
  { source, module, format: outFormat }: MergedMatrix,
  elements = BLOCK_ELEMENTS,
  firstRow = 0,
): AsyncGenerator<RowBlock> {
  const blocks = matrixRows(context, source, elements, firstRow);
  if (!module && rowFormat(source) === outFormat) {
    yield* blocks;
    return;
  }
  const { cols } = source;
  const { rank, scale } = module ?? { rank: 0, scale: 0 };
  let room: { out: Tensor; b: Tensor; dora: DoraRows | null } | null = null;
  const a = context.tensor('f32', [Math.max(1, rank), cols], 'merge A');
  if (module) upload(context.gpu, a, module.a);
  for await (const { row, rows, w, format } of blocks) {
    // The first block is the largest.
    room ??= {
      out: context.tensor(wordType(outFormat), [wordsOf(outFormat, rows * cols)], 'merged'),
      b: context.tensor('f32', [rows, Math.max(1, rank)], 'merge B'),
      dora: module?.magnitudes ? doraRows(context, rows) : null,
    };
    const out = { ...room.out, shape: [wordsOf(outFormat, rows * cols)] };
    if (module) {
      // The upload overwrites rows of B that earlier commands may still read.
      context.commands.submit();
      upload(context.gpu, room.b, module.b.subarray(row * rank, (row + rows) * rank));
    }
    const { b, dora } = room;
    if (dora) {
      upload(context.gpu, dora.magnitudes, module!.magnitudes!.subarray(row, row + rows));
      const chunk = { rowStart: 0, rows, cols, encoding: { format }, data: w };
      doraScales(context.commands, { chunk, wRow: 0, rows, a, b, row: 0, scale, out: 0, ...dora });
    }
    const factors = dora?.factors ?? null;
    mergeLora(context.commands, { w, format, a, b, out, outFormat, rows, cols, rank, scale, factors });
    yield { row, rows, w: out, format: outFormat };
  }
}

/** Of a block of rows, f32 [rows] each: see `doraScales`. */
interface DoraRows {
  magnitudes: Tensor;
  norms: Tensor;
  factors: Tensor;
}

function doraRows(context: LoadContext, rows: number): DoraRows {
  const make = () => context.tensor('f32', [rows], 'merge M');
  return { magnitudes: make(), norms: make(), factors: make() };
}

/** Blocks on the GPU, or being read back, at a time. */
const IN_FLIGHT = 2;

/**
 * The bytes of merged rows, one block at a time, as in a safetensors file. While one block is computed, the next is
 * read.
 * @param start the first byte wanted
 * @param workspace shared with other matrices; its owner disposes of it
 */
export async function* mergedBytes(
  gpu: Gpu,
  matrix: MergedMatrix,
  elements = BLOCK_ELEMENTS,
  start = 0,
  workspace: MergeWorkspace | null = null,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { checkpoint, cols } = matrix.source;
  const width = matrix.format === 'f32' ? 4 : 2;
  const space = workspace ?? new MergeWorkspace(gpu);
  const context = space.open(checkpoint);
  const pending: Promise<Uint8Array<ArrayBuffer>>[] = [];
  try {
    const firstRow = Math.floor(start / (cols * width));
    for await (const { row, rows, w, format } of mergedRows(context, matrix, elements, firstRow)) {
      if (pending.length === IN_FLIGHT) yield await pending.shift()!;
      const count = rows * cols;
      const before = Math.max(0, start - row * cols * width);
      const read = space.readback.read(context.commands, { ...w, shape: [wordsOf(format, count)] });
      pending.push(read.then((bytes) => bytes.subarray(before, count * width)));
      // A failure is thrown in its turn.
      pending.at(-1)!.catch(() => undefined);
    }
    for (const bytes of pending) yield await bytes;
  } finally {
    // Reads in progress must finish before their buffers are reused.
    await Promise.allSettled(pending);
    space.close(context);
    if (!workspace) space.dispose();
  }
}

function wordType(format: FloatFormat): ElementType {
  return format === 'f32' ? 'f32' : 'u32';
}

function wordsOf(format: FloatFormat, count: number): number {
  return format === 'f32' ? count : Math.ceil(count / 2);
}
