import { nestedBlockSize, nf4BlockSize } from '../../content/formats/quantized/codebooks.ts';
import type { Commands } from '../gpu/commands.ts';
import { elementsOf, type Tensor } from '../gpu/tensor.ts';
import { assert } from '../../base/lib/errors.ts';
import { flatGroups } from './grid.ts';
import { sumInto } from './sum.ts';
import { CODES_PER_WORD, type FloatFormat } from './weight.ts';

const WG = 64;

/** Elements that share an absmax in Graft's own NF4, as in QLoRA. */
export const NF4_BLOCK = nf4BlockSize;

/** Blocks whose absmax share a second-level absmax in double quantization. */
export const NESTED_BLOCK = nestedBlockSize;

/** Elements of the tensor `nested` before the second-level absmax: the offset and the map. */
export const NESTED_HEAD = 257;

/** Some rows of a float matrix, to be quantized to 4 bits. */
export interface FloatPiece {
  /** u32 words as in the file, at least [rows · cols] of `format`. */
  source: Tensor;
  format: FloatFormat;
  /** First row, which must start a block. */
  row: number;
  rows: number;
}

/** Number of rows after which a row starts a block again: pieces start at its multiples. */
export function blockRows(cols: number, blockSize: number): number {
  return blockSize / greatestCommonDivisor(cols, blockSize);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/**
 * Quantizes a piece to NF4 codes and absmax, with the bits of bitsandbytes.
 * @param absmax f32 [⌈rows · cols / 64⌉] of the whole matrix; the piece's blocks are written
 * @param codes u32 of the matrix from row `codesRow` on: [rows, ⌈cols / 8⌉], or with `flat` [⌈rows · cols / 8⌉] in
 *   bitsandbytes' order
 * @param size rows and columns of the whole matrix
 */
export function quantizeNf4(
  commands: Commands,
  { source, format, row, rows }: FloatPiece,
  {
    absmax,
    codes,
    codesRow = 0,
    size,
    flat = false,
  }: { absmax: Tensor; codes: Tensor; codesRow?: number; size: readonly [number, number]; flat?: boolean },
): void {
  const [allRows, cols] = size;
  const start = row * cols;
  assert(start % NF4_BLOCK === 0, `row ${row} of ${cols} columns does not begin a block`);
  const first_block = start / NF4_BLOCK;
  const count = rows * cols;
  const own = { SOURCE: format, WG, BLOCK: NF4_BLOCK };
  const blocks = Math.ceil(count / NF4_BLOCK);
  commands.run(
    'block_absmax',
    own,
    { source, absmax },
    { count, first_block },
    flatGroups(Math.ceil(blocks / WG)),
  );
  const stride = Math.ceil(cols / CODES_PER_WORD);
  const words = flat ? Math.ceil(count / CODES_PER_WORD) : rows * stride;
  const params = {
    rows,
    cols,
    first_block,
    first_word: flat ? ((row - codesRow) * cols) / CODES_PER_WORD : (row - codesRow) * stride,
    whole_blocks: Math.floor((allRows * cols) / NF4_BLOCK),
  };
  const tensors = { source, absmax, codes };
  commands.run('quantize_nf4', { ...own, FLAT: flat }, tensors, params, flatGroups(Math.ceil(words / WG)));
}

/**
 * Double quantization: absmax as 8-bit codes around their mean.
 * @param absmax f32 [blocks]
 * @param codes u32 [64 · ⌈blocks / 256⌉], four codes per word
 * @param nested f32 [257 + ⌈blocks / 256⌉] with the map in [1 … 256]; the rest is written
 */
export function nestAbsmax(
  commands: Commands,
  {
    absmax,
    blocks,
    codes,
    nested,
    scratch,
  }: { absmax: Tensor; blocks: number; codes: Tensor; nested: Tensor; scratch: NestScratch },
): void {
  const groups = Math.ceil(blocks / NESTED_BLOCK);
  assert(elementsOf(nested) >= NESTED_HEAD + groups, `nested absmax of ${blocks} blocks have no room`);
  const { sums, partials } = scratch;
  sumInto(commands, { x: absmax, count: blocks, stats: sums, index: 0, accumulate: false, partials });
  commands.run(
    'nest_absmax',
    { WG: NESTED_BLOCK },
    { absmax, sums, codes, nested },
    { blocks },
    flatGroups(groups),
  );
}

/** Scratch of `nestAbsmax`: f32 [1], and f32 [PARTIALS] of kernels/sum.ts. */
export interface NestScratch {
  sums: Tensor;
  partials: Tensor;
}
