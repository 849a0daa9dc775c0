import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { flatGroups } from './grid.ts';
import { INT8_BLOCK, type FloatFormat } from './weight.ts';

const WG = 256;

/**
 * Quantizes rows of a float matrix to 8 bits: blocks of 64 columns share a scale, the largest of them / 127.
 * @param source [rows, cols] of `format`, as words of a file, or an f32 tensor
 * @param codes u32 [outRow + rows, ⌈cols / 4⌉], and scales f32 [outRow + rows, ⌈cols / 64⌉], or more; rows from outRow on
 *   are written
 */
export function quantizeInt8(
  commands: Commands,
  {
    source,
    format,
    rows,
    cols,
    codes,
    scales,
    outRow = 0,
  }: {
    source: Tensor;
    format: FloatFormat;
    rows: number;
    cols: number;
    codes: Tensor;
    scales: Tensor;
    outRow?: number;
  },
): void {
  const blocks = rows * Math.ceil(cols / INT8_BLOCK);
  const groups = flatGroups(Math.ceil((blocks * INT8_BLOCK) / 4 / WG));
  const constants = { SOURCE: format, WG, BLOCK: INT8_BLOCK };
  commands.run(
    'quantize_int8',
    constants,
    { source, codes, scales },
    { rows, cols, out_row: outRow },
    groups,
  );
}
