import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { elementGroups, ELEMENTWISE_THREADS as WG } from './elementwise.ts';
import { CODES_PER_WORD, weightInput, type WeightChunk } from './weight.ts';

/**
 * Dequantizes rows of a weight to f32.
 * @param row first row, relative to the chunk
 * @param out f32 [outRow + rows, cols] or more; rows from outRow on are written
 */
export function dequantize(
  commands: Commands,
  {
    chunk,
    row,
    rows,
    out,
    outRow = 0,
  }: { chunk: WeightChunk; row: number; rows: number; out: Tensor; outRow?: number },
): void {
  const { constants, tensors } = weightInput(chunk);
  const params = { rows, cols: chunk.cols, row_start: row, out_row: outRow };
  const words = rows * Math.ceil(chunk.cols / CODES_PER_WORD);
  commands.run('dequantize', { ...constants, WG }, { ...tensors, out }, params, elementGroups(words));
}
