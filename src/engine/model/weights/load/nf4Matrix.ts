import { dynamicMap } from '../../../../content/formats/quantized/dynamicMap.ts';
import type { FloatMatrix } from '../../../../content/formats/quantized/types.ts';
import { slice, type Tensor } from '../../../gpu/tensor.ts';
import { upload } from '../../../gpu/transfer.ts';
import {
  blockRows,
  NESTED_BLOCK,
  NESTED_HEAD,
  NF4_BLOCK,
  nestAbsmax,
  quantizeNf4,
} from '../../../kernels/quantize.ts';
import { PARTIALS } from '../../../kernels/sum.ts';
import { CODES_PER_WORD, type Weight, type WeightChunk } from '../../../kernels/weight.ts';
import { floatFormat } from '../../spec/floatFormat.ts';
import { PIECE, rowRanges, type LoadContext, type RowRange } from './loadContext.ts';
import type { BufferSlice } from './loadContext.ts';

/**
 * Loads a float matrix and quantizes it to NF4 on the GPU, a piece of rows at a time: the full matrix is never in
 * memory. Codes and absmax match bitsandbytes'. Throws `model.tensor_dtype`.
 * @param doubleQuant 8-bit codes for absmax too: 4.127 bits per weight instead of 4.5
 * @param slice the destination, instead of separate tensors; not with doubleQuant
 * @param only rows to load, as a matrix of their own whose chunks keep their row numbers; they start a block. By default all
 */
export async function loadNf4Matrix(
  context: LoadContext,
  { tensor, dtype }: FloatMatrix,
  [allRows, cols]: readonly [number, number],
  doubleQuant: boolean,
  {
    slice = null,
    only = { rowStart: 0, rows: allRows },
  }: { slice?: BufferSlice | null; only?: RowRange } = {},
): Promise<Weight> {
  const { rows } = only;
  const size = [rows, cols] as const;
  const format = floatFormat({ name: tensor, dtype });
  const rowBytes = cols * (format === 'f32' ? 4 : 2);
  const blocks = Math.ceil((rows * cols) / NF4_BLOCK);
  // Only temporary with double quantization.
  const absmax =
    slice?.scales ?? context.tensor('f32', [blocks], `${tensor} absmax`, doubleQuant ? 'staging' : 'weights');
  const chunks: WeightChunk[] = [];
  for (const range of chunkRanges(context, size, NF4_BLOCK)) {
    const codes = slice?.data ?? codesOf(context, range.rows, cols, tensor);
    for (const piece of rowRanges(range.rows, PIECE / rowBytes, blockRows(cols, NF4_BLOCK))) {
      const row = range.rowStart + piece.rowStart;
      const source = await context.stage(tensor, (only.rowStart + row) * rowBytes, piece.rows * rowBytes);
      const target = { absmax, codes, codesRow: range.rowStart, size };
      quantizeNf4(context.commands, { source, format, row, rows: piece.rows }, target);
    }
    const encoding = { format: 'nf4' as const, blockSize: NF4_BLOCK, nestedBlockSize: null };
    chunks.push({ ...range, cols, encoding, data: codes, scales: chunkAbsmax(absmax, range, cols) });
  }
  const made = doubleQuant ? nestChunks(context, chunks, absmax, tensor) : chunks;
  const placed = made.map((chunk) => ({ ...chunk, rowStart: only.rowStart + chunk.rowStart }));
  return { rows: allRows, cols, chunks: placed };
}

/** Ranges of rows whose codes fit a binding and that start at a nested block, so that chunks share none. */
export function chunkRanges(
  { gpu }: LoadContext,
  [rows, cols]: readonly [number, number],
  blockSize: number,
  nestedBlockSize = NESTED_BLOCK,
) {
  const limit = gpu.maxBinding / (4 * Math.ceil(cols / CODES_PER_WORD));
  return rowRanges(rows, limit, blockRows(cols, blockSize * nestedBlockSize));
}

/** Allocates the codes of `rows` rows, in the layout of lib/weight.wgsl. */
export function codesOf(context: LoadContext, rows: number, cols: number, label: string): Tensor {
  return context.tensor('u32', [rows, Math.ceil(cols / CODES_PER_WORD)], label);
}

function chunkAbsmax(absmax: Tensor, { rowStart, rows }: { rowStart: number; rows: number }, cols: number) {
  return slice(absmax, (rowStart * cols) / NF4_BLOCK, [Math.ceil((rows * cols) / NF4_BLOCK)]);
}

/**
 * Records the double quantization of absmax f32 [blocks]: codes and nested as in `nestAbsmax`, and scratch that can be
 * freed once the commands are submitted.
 */
export function nestedTensors(
  context: LoadContext,
  absmax: Tensor,
  label: string,
): { codes: Tensor; nested: Tensor; scratch: Tensor[] } {
  const [blocks = 0] = absmax.shape;
  const groups = Math.ceil(blocks / NESTED_BLOCK);
  const codes = context.tensor('u32', [(groups * NESTED_BLOCK) / 4], `${label} absmax codes`);
  const nested = context.tensor('f32', [NESTED_HEAD + groups], `${label} nested absmax`);
  const sums = context.tensor('f32', [1], 'sum of absmax', 'staging');
  const partials = context.tensor('f32', [PARTIALS], 'reduction partials', 'staging');
  upload(context.gpu, { ...nested, offset: 4 }, dynamicMap(true));
  nestAbsmax(context.commands, { absmax, blocks, codes, nested, scratch: { sums, partials } });
  return { codes, nested, scratch: [sums, partials] };
}

/** The same chunks with 8-bit absmax; the f32 ones are freed. */
function nestChunks(
  context: LoadContext,
  chunks: readonly WeightChunk[],
  absmax: Tensor,
  label: string,
): WeightChunk[] {
  const { commands } = context;
  const { codes, nested, scratch } = nestedTensors(context, absmax, label);
  const encoding = { format: 'nf4' as const, blockSize: NF4_BLOCK, nestedBlockSize: NESTED_BLOCK };
  const split = chunks.map((chunk) => {
    const first = (chunk.rowStart * chunk.cols) / NF4_BLOCK;
    const count = Math.ceil((chunk.rows * chunk.cols) / NF4_BLOCK);
    const scales = slice(codes, first / 4, [Math.ceil(count / 4)]);
    if (chunks.length === 1) return { ...chunk, encoding, scales, nested };
    const own = Math.ceil(count / NESTED_BLOCK);
    const part = context.tensor('f32', [NESTED_HEAD + own], `${label} nested absmax`);
    commands.copy({ ...nested, shape: [NESTED_HEAD] }, part);
    const from = { ...nested, offset: 4 * (NESTED_HEAD + first / NESTED_BLOCK), shape: [own] };
    commands.copyRows(from, part, NESTED_HEAD);
    return { ...chunk, encoding, scales, nested: part };
  });
  for (const used of [absmax, ...scratch, ...(chunks.length > 1 ? [nested] : [])]) context.free(used);
  return split;
}
