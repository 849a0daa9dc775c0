import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { elementGroups, ELEMENTWISE_THREADS as WG } from './elementwise.ts';
import { CODES_PER_WORD } from './weight.ts';

/** Layouts of 4-bit codes in files. */
export type CodeLayout = 'bnb' | 'gptq' | 'awq';

/** The part of a matrix that a chunk holds. */
export interface ChunkRows {
  rows: number;
  rowStart: number;
  /** Rows of the whole matrix. */
  allRows: number;
  cols: number;
}

/**
 * Repacks the codes of a piece of a file into the layout of lib/weight.wgsl.
 * @param source u32 words of the file: whole rows of the chunk from `first` on (bnb); words `first` … `first + count −
 *   1` of every row of the matrix, [count, allRows] (gptq) or [8 · count, allRows / 8] (awq)
 * @param count rows (bnb) or words per row
 * @param codes u32 [rows, ⌈cols / 8⌉]
 */
export function repackCodes(
  commands: Commands,
  {
    from,
    source,
    first,
    count,
    codes,
  }: { from: CodeLayout; source: Tensor; first: number; count: number; codes: Tensor },
  { rows, rowStart, allRows, cols }: ChunkRows,
): void {
  const words = count * (from === 'bnb' ? Math.ceil(cols / CODES_PER_WORD) : rows);
  const params = { rows, cols, all_rows: allRows, row_start: rowStart, first, count };
  commands.run('repack_codes', { FROM: from, WG }, { source, codes }, params, elementGroups(words));
}

/**
 * Packs the scales and zeros of GPTQ or AWQ into one word per row and group.
 * @param scales u32 words of 16-bit floats [groups, allRows]
 * @param zeros u32 [groups, allRows / 8]
 * @param zeroOffset added to the file's zeros: 1 in GPTQ's first version, else 0
 * @param packed u32 [rows, groups]
 */
export function packScales(
  commands: Commands,
  {
    from,
    scales,
    zeros,
    packed,
    zeroOffset,
    groups,
  }: {
    from: 'gptq' | 'awq';
    scales: Tensor;
    zeros: Tensor;
    packed: Tensor;
    zeroOffset: number;
    groups: number;
  },
  { rows, rowStart, allRows }: ChunkRows,
): void {
  const constants = { WG, INTERLEAVED: from === 'awq', ZERO_OFFSET: zeroOffset };
  const params = { rows, all_rows: allRows, row_start: rowStart, groups };
  commands.run('pack_scales', constants, { scales, zeros, packed }, params, elementGroups(rows * groups));
}
