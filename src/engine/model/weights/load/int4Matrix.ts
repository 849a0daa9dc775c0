import { gptqZeroOffset } from '../../../../content/formats/quantized/gptqZeros.ts';
import type { Int4Matrix, Quantization } from '../../../../content/formats/quantized/types.ts';
import type { Tensor } from '../../../gpu/tensor.ts';
import { packScales, repackCodes } from '../../../kernels/repack.ts';
import { CODES_PER_WORD, type Encoding, type Weight, type WeightChunk } from '../../../kernels/weight.ts';
import { PIECE, rowRanges, type LoadContext } from './loadContext.ts';
import { codesOf } from './nf4Matrix.ts';
import type { BufferSlice } from './loadContext.ts';

/**
 * Loads a GPTQ or AWQ matrix to the GPU: the same codes, scales and zeros, in Graft's word layout.
 * @param slice the destination, instead of separate tensors
 */
export async function loadInt4Matrix(
  context: LoadContext,
  stored: Int4Matrix,
  [rows, cols]: readonly [number, number],
  quantization: Quantization | null,
  slice: BufferSlice | null = null,
): Promise<Weight> {
  const { kind: from, qweight, groups } = stored;
  const words = Math.ceil(cols / CODES_PER_WORD);
  const encoding = int4Encoding(stored);
  const groupIndex = await loadGroupIndex(context, stored, cols);
  const raw = await loadRawScales(context, stored, rows);
  const zeroOffset = await zeroOffsetOf(context, stored, quantization);
  const chunks: WeightChunk[] = [];
  for (const range of rowRanges(rows, context.gpu.maxBinding / (4 * words), 64)) {
    const data = slice?.data ?? codesOf(context, range.rows, cols, qweight);
    const scales = slice?.scales ?? context.tensor('u32', [range.rows, groups], stored.scales);
    const part = { ...range, allRows: rows, cols };
    packScales(context.commands, { from, ...raw, packed: scales, zeroOffset, groups }, part);
    chunks.push({ ...range, cols, encoding, data, scales, ...(groupIndex && { groupIndex }) });
  }
  // Files are stored along the columns: each piece has part of every chunk.
  for (const { rowStart: first, rows: count } of rowRanges(words, PIECE / (4 * rows), 1)) {
    const source = await context.stage(qweight, 4 * first * rows, 4 * count * rows);
    for (const { rowStart, rows: chunkRows, data: codes } of chunks) {
      const part = { rowStart, rows: chunkRows, allRows: rows, cols };
      repackCodes(context.commands, { from, source, first, count, codes }, part);
    }
  }
  for (const used of Object.values(raw)) context.free(used);
  return { rows, cols, chunks };
}

/** The GPU encoding of such a matrix. */
export function int4Encoding({ groupSize, groups, scaleDtype }: Int4Matrix): Encoding {
  return { format: 'int4', groupSize, groups, scale: scaleDtype === 'BF16' ? 'bf16' : 'f16' };
}

/** The file's scales and zeros, unchanged, on the GPU. */
export async function loadRawScales(
  context: LoadContext,
  { scales, qzeros, groups }: Int4Matrix,
  rows: number,
) {
  const raw = {
    scales: context.tensor('u32', [Math.ceil((groups * rows) / 2)], scales, 'staging'),
    zeros: context.tensor('u32', [Math.ceil((groups * rows) / CODES_PER_WORD)], qzeros, 'staging'),
  };
  await context.copy(scales, 0, 2 * groups * rows, raw.scales);
  await context.copy(qzeros, 0, (4 * groups * rows) / CODES_PER_WORD, raw.zeros);
  return raw;
}

/** The group of each column; null if they are in order, which kernels handle without. */
export async function loadGroupIndex(
  context: LoadContext,
  { groupIndex }: Int4Matrix,
  cols: number,
): Promise<Tensor | null> {
  if (groupIndex === null) return null;
  const tensor = context.tensor('u32', [cols], groupIndex);
  await context.copy(groupIndex, 0, 4 * cols, tensor);
  return tensor;
}

/** The constant to add to the file's zeros: 1 in GPTQ's first version, else 0. */
export async function zeroOffsetOf(
  { gpu, checkpoint }: LoadContext,
  { qzeros }: Int4Matrix,
  quantization: Quantization | null,
): Promise<number> {
  if (gpu.dry || quantization?.method !== 'gptq') return 0;
  return gptqZeroOffset(await checkpoint.read(qzeros), quantization);
}
