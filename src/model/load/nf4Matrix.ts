import { dynamicMap } from '../../formats/quantized/dynamicMap.ts';
import type { FloatMatrix } from '../../formats/quantized/types.ts';
import { slice, type Tensor } from '../../gpu/tensor.ts';
import { upload } from '../../gpu/transfer.ts';
import {
  blockRows,
  NESTED_BLOCK,
  NESTED_HEAD,
  NF4_BLOCK,
  nestAbsmax,
  quantizeNf4,
} from '../../kernels/quantize.ts';
import { PARTIALS } from '../../kernels/sum.ts';
import { CODES_PER_WORD, type Weight, type WeightChunk } from '../../kernels/weight.ts';
import { floatFormat } from '../floatFormat.ts';
import { PIECE, rowRanges, type LoadContext } from './loadContext.ts';
import type { MatrixRoom } from './siblingRoom.ts';

/**
 * Brings a float matrix to the GPU and quantizes it there to NF4, a piece of rows at a time: the matrix itself is
 * never whole anywhere. Codes and absmax are bitsandbytes'. Throws `model.tensor_dtype`.
 * @param doubleQuant 8-bit codes for absmax too: 4.127 bits a weight instead of 4.5
 * @param room where it goes, if not into tensors of its own; not with doubleQuant
 */
export async function loadNf4Matrix(
  context: LoadContext,
  { tensor, dtype }: FloatMatrix,
  size: readonly [number, number],
  doubleQuant: boolean,
  room: MatrixRoom | null = null,
): Promise<Weight> {
  const [rows, cols] = size;
  const format = floatFormat({ name: tensor, dtype });
  const rowBytes = cols * (format === 'f32' ? 4 : 2);
  const blocks = Math.ceil((rows * cols) / NF4_BLOCK);
  // Double quantization replaces it.
  const absmax =
    room?.scales ?? context.tensor('f32', [blocks], `${tensor} absmax`, doubleQuant ? 'staging' : 'weights');
  const chunks: WeightChunk[] = [];
  for (const range of chunkRanges(context, size, NF4_BLOCK)) {
    const codes = room?.data ?? codesOf(context, range.rows, cols, tensor);
    for (const piece of rowRanges(range.rows, PIECE / rowBytes, blockRows(cols, NF4_BLOCK))) {
      const row = range.rowStart + piece.rowStart;
      const source = await context.stage(tensor, row * rowBytes, piece.rows * rowBytes);
      const target = { absmax, codes, codesRow: range.rowStart, size };
      quantizeNf4(context.commands, { source, format, row, rows: piece.rows }, target);
    }
    const encoding = { format: 'nf4' as const, blockSize: NF4_BLOCK, nestedBlockSize: null };
    chunks.push({ ...range, cols, encoding, data: codes, scales: chunkAbsmax(absmax, range, cols) });
  }
  return { rows, cols, chunks: doubleQuant ? nestChunks(context, chunks, absmax, tensor) : chunks };
}

/** Ranges of rows whose codes fit a binding and which begin a nested block, so that no chunk shares one. */
export function chunkRanges(
  { gpu }: LoadContext,
  [rows, cols]: readonly [number, number],
  blockSize: number,
  nestedBlockSize = NESTED_BLOCK,
) {
  const limit = gpu.maxBinding / (4 * Math.ceil(cols / CODES_PER_WORD));
  return rowRanges(rows, limit, blockRows(cols, blockSize * nestedBlockSize));
}

/** Room for the codes of `rows` rows, in the layout of lib/weight.wgsl. */
export function codesOf(context: LoadContext, rows: number, cols: number, label: string): Tensor {
  return context.tensor('u32', [rows, Math.ceil(cols / CODES_PER_WORD)], label);
}

function chunkAbsmax(absmax: Tensor, { rowStart, rows }: { rowStart: number; rows: number }, cols: number) {
  return slice(absmax, (rowStart * cols) / NF4_BLOCK, [Math.ceil((rows * cols) / NF4_BLOCK)]);
}

/**
 * Records the double quantization of absmax f32 [blocks]: codes and nested as `nestAbsmax` has them, and scratch that
 * is not needed once the commands are on their way.
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

/** The same chunks with absmax in 8 bits; the f32 ones are freed. */
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
