import { decodeFloats } from '../../../../base/lib/floats.ts';
import type { BnbMatrix } from '../../../../content/formats/quantized/types.ts';
import type { Tensor } from '../../../gpu/tensor.ts';
import { upload } from '../../../gpu/transfer.ts';
import { blockRows, NESTED_HEAD } from '../../../kernels/quantize.ts';
import { repackCodes } from '../../../kernels/repack.ts';
import { CODES_PER_WORD, type Weight, type WeightChunk } from '../../../kernels/weight.ts';
import { PIECE, rowRanges, type LoadContext } from './loadContext.ts';
import { chunkRanges, codesOf } from './nf4Matrix.ts';
import type { BufferSlice } from './loadContext.ts';

/**
 * Loads a matrix quantized by bitsandbytes to the GPU: the same codes and absmax, in Graft's word layout.
 * @param slice the destination, instead of separate tensors; not for nested absmax
 */
export async function loadBnbMatrix(
  context: LoadContext,
  stored: BnbMatrix,
  size: readonly [number, number],
  slice: BufferSlice | null = null,
): Promise<Weight> {
  const [rows, cols] = size;
  const { tensor, codebook, blockSize, nested } = stored;
  const encoding = { format: codebook, blockSize, nestedBlockSize: nested?.blockSize ?? null };
  const chunks: WeightChunk[] = [];
  for (const range of chunkRanges(context, size, blockSize, nested?.blockSize)) {
    const data = slice?.data ?? codesOf(context, range.rows, cols, tensor);
    const chunk = { rows: range.rows, rowStart: range.rowStart, allRows: rows, cols };
    // Pieces start at a word of the file.
    for (const piece of rowRanges(range.rows, (2 * PIECE) / cols, blockRows(cols, CODES_PER_WORD))) {
      const start = ((range.rowStart + piece.rowStart) * cols) / 2;
      const source = await context.stage(tensor, start, Math.ceil((piece.rows * cols) / 2));
      const part = { source, first: piece.rowStart, count: piece.rows, codes: data };
      repackCodes(context.commands, { from: 'bnb', ...part }, chunk);
    }
    const firstBlock = (range.rowStart * cols) / blockSize;
    const blocks = Math.ceil((range.rows * cols) / blockSize);
    const scales = await loadAbsmax(context, stored, firstBlock, blocks, slice);
    chunks.push({ ...range, cols, encoding, data, ...scales });
  }
  return { rows, cols, chunks };
}

async function loadAbsmax(
  context: LoadContext,
  { absmax, nested, tensor }: BnbMatrix,
  first: number,
  blocks: number,
  slice: BufferSlice | null,
): Promise<{ scales: Tensor; nested?: Tensor }> {
  if (!nested) {
    const scales = slice?.scales ?? context.tensor('f32', [blocks], absmax);
    await context.copy(absmax, 4 * first, 4 * blocks, scales);
    return { scales };
  }
  const scales = context.tensor('u32', [Math.ceil(blocks / 4)], absmax);
  await context.copy(absmax, first, blocks, scales);
  const groups = Math.ceil(blocks / nested.blockSize);
  const map = decodeFloats(await context.read(nested.map, 0, 4 * 256), 'F32');
  const top = decodeFloats(
    await context.read(nested.absmax, (4 * first) / nested.blockSize, 4 * groups),
    'F32',
  );
  const values = context.tensor('f32', [NESTED_HEAD + groups], `${tensor} nested absmax`);
  upload(context.gpu, values, Float32Array.of(nested.offset, ...map, ...top));
  return { scales, nested: values };
}
