import type { PeftModule } from '../formats/peft.ts';
import type { Gpu } from '../gpu/device.ts';
import type { ElementType, Tensor } from '../gpu/tensor.ts';
import { readBytes, upload } from '../gpu/transfer.ts';
import { mergeLora } from '../kernels/mergeLora.ts';
import type { FloatFormat } from '../kernels/weight.ts';
import { LoadContext } from '../model/load/loadContext.ts';
import { BLOCK_ELEMENTS, matrixRows, rowFormat, type RowBlock } from './matrixRows.ts';
import type { MatrixSource } from './matrixSource.ts';

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
): AsyncGenerator<RowBlock> {
  const blocks = matrixRows(context, source, elements);
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

/** The bytes of merged rows, a block after the other, as a safetensors file has them. */
export async function* mergedBytes(
  gpu: Gpu,
  matrix: MergedMatrix,
  elements = BLOCK_ELEMENTS,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const context = new LoadContext(gpu, matrix.source.checkpoint);
  try {
    for await (const { rows, w, format } of mergedRows(context, matrix, elements)) {
      const count = rows * matrix.source.cols;
      context.commands.submit();
      const bytes = await readBytes(gpu, { ...w, shape: [wordsOf(format, count)] });
      yield bytes.subarray(0, count * (format === 'f32' ? 4 : 2));
    }
  } finally {
    context.dispose();
  }
}

function wordType(format: FloatFormat): ElementType {
  return format === 'f32' ? 'f32' : 'u32';
}

function wordsOf(format: FloatFormat, count: number): number {
  return format === 'f32' ? count : Math.ceil(count / 2);
}
