import type { PeftModule } from '../formats/peft.ts';
import type { Gpu } from '../gpu/device.ts';
import type { ElementType, Tensor } from '../gpu/tensor.ts';
import { upload } from '../gpu/transfer.ts';
import { mergeLora } from '../kernels/mergeLora.ts';
import type { FloatFormat } from '../kernels/weight.ts';
import type { LoadContext } from '../model/load/loadContext.ts';
import { BLOCK_ELEMENTS, matrixRows, rowFormat, type RowBlock } from './matrixRows.ts';
import type { MatrixSource } from './matrixSource.ts';
import { MergeWorkspace } from './mergeWorkspace.ts';

/** A matrix of the base with what is added to it. */
export interface MergedMatrix {
  source: MatrixSource;
  /** Null leaves the matrix as it is. */
  module: PeftModule | null;
  /** What the sums are rounded to, once. */
  format: FloatFormat;
}

/**
 * W + scale · B · A a block of rows after the other, on the GPU: f32 arithmetic, one rounding. The next block is
 * made when it is asked for, in the place of the one before.
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
  let room: { out: Tensor; b: Tensor } | null = null;
  const a = context.tensor('f32', [Math.max(1, rank), cols], 'merge A');
  if (module) upload(context.gpu, a, module.a);
  for await (const { row, rows, w, format } of blocks) {
    // The first block is the largest.
    room ??= {
      out: context.tensor(wordType(outFormat), [wordsOf(outFormat, rows * cols)], 'merged'),
      b: context.tensor('f32', [rows, Math.max(1, rank)], 'merge B'),
    };
    const out = { ...room.out, shape: [wordsOf(outFormat, rows * cols)] };
    if (module) {
      // The upload overwrites rows of B that commands before this may still read.
      context.commands.submit();
      upload(context.gpu, room.b, module.b.subarray(row * rank, (row + rows) * rank));
    }
    const { b } = room;
    mergeLora(context.commands, { w, format, a, b, out, outFormat, rows, cols, rank, scale });
    yield { row, rows, w: out, format: outFormat };
  }
}

/** Blocks that are on the GPU, or on their way back from it, at once. */
const IN_FLIGHT = 2;

/**
 * The bytes of merged rows, a block after the other, as a safetensors file has them. While one block is computed, the
 * next is read.
 * @param start the first byte that is wanted
 * @param workspace shared with the matrices before and after, whose owner disposes of it
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
      // A failure is thrown when its turn comes.
      pending.at(-1)!.catch(() => undefined);
    }
    for (const bytes of pending) yield await bytes;
  } finally {
    // What is on its way back must be there before its buffers are used again.
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
