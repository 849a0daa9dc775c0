import type { FloatMatrix } from '../../../../content/formats/quantized/types.ts';
import { quantizeInt8 } from '../../../kernels/quantizeInt8.ts';
import { INT8_BLOCK, type Weight, type WeightChunk } from '../../../kernels/weight.ts';
import { floatFormat } from '../../spec/floatFormat.ts';
import { PIECE, rowRanges, type LoadContext, type RowRange } from './loadContext.ts';

/**
 * Loads rows of a float matrix and quantizes them to 8 bits on the GPU, a piece at a time: the full matrix is never in
 * memory. Throws `model.tensor_dtype`.
 * @param only rows to load, whose chunks keep their row numbers
 */
export async function loadInt8Matrix(
  context: LoadContext,
  { tensor, dtype }: FloatMatrix,
  [rows, cols]: readonly [number, number],
  only: RowRange,
): Promise<Weight> {
  const format = floatFormat({ name: tensor, dtype });
  const rowBytes = cols * (format === 'f32' ? 4 : 2);
  const [words, blocks] = [Math.ceil(cols / 4), Math.ceil(cols / INT8_BLOCK)];
  const chunks: WeightChunk[] = [];
  for (const part of rowRanges(only.rows, context.gpu.maxBinding / (4 * words), 2)) {
    const rowStart = only.rowStart + part.rowStart;
    const codes = context.tensor('u32', [part.rows, words], tensor);
    const scales = context.tensor('f32', [part.rows, blocks], `${tensor} scales`);
    // An even number of rows ends with a word of the file.
    for (const piece of rowRanges(part.rows, PIECE / rowBytes, 2)) {
      const first = rowStart + piece.rowStart;
      const source = await context.stage(tensor, first * rowBytes, piece.rows * rowBytes);
      const target = { codes, scales, outRow: piece.rowStart };
      quantizeInt8(context.commands, { source, format, rows: piece.rows, cols, ...target });
    }
    chunks.push({ rowStart, rows: part.rows, cols, encoding: { format: 'int8' }, data: codes, scales });
  }
  return { rows, cols, chunks };
}
