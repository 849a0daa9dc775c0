import { nestedAbsmaxRef } from '../../content/formats/quantized/dequantize.ref.ts';
import { readAbsmaxRange } from '../../content/formats/quantized/bnbElements.ts';
import type {
  BnbMatrix,
  FloatMatrix,
  Int4Matrix,
  Quantization,
} from '../../content/formats/quantized/types.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { readBytes, readFloats, upload } from '../gpu/transfer.ts';
import { dequantize } from '../kernels/dequantize.ts';
import { blockRows, NESTED_BLOCK, NESTED_HEAD, NF4_BLOCK, quantizeNf4 } from '../kernels/quantize.ts';
import { packScales, repackCodes } from '../kernels/repack.ts';
import { CODES_PER_WORD, type FloatFormat } from '../kernels/weight.ts';
import { floatFormat } from '../model/spec/floatFormat.ts';
import {
  int4Encoding,
  loadGroupIndex,
  loadRawScales,
  zeroOffsetOf,
} from '../model/weights/load/int4Matrix.ts';
import { rowRanges, type LoadContext } from '../model/weights/load/loadContext.ts';
import { nestedTensors } from '../model/weights/load/nf4Matrix.ts';
import type { MatrixSource } from './matrixSource.ts';

/** Elements of a matrix on the GPU at a time: bounds the memory of a merge, whatever the size of the matrix. */
export const BLOCK_ELEMENTS = 2 * 1024 * 1024;

/** Bytes of a GPTQ or AWQ file read at a time. */
const PIECE = 4 * 1024 * 1024;

/** Blocks start at multiples of 64 rows: at whole words, and their rows of B at multiples of 256 bytes. */
const UNIT = 64;

/** Rows of a matrix on the GPU as packed floats; valid until the next ones are requested. */
export interface RowBlock {
  row: number;
  rows: number;
  w: Tensor;
  format: FloatFormat;
}

/** The format of the rows: floats of a file in their own dtype, dequantized ones in f32. */
export function rowFormat({ stored, nf4 }: MatrixSource): FloatFormat {
  return stored.kind === 'float' && !nf4 ? floatFormat({ name: stored.tensor, dtype: stored.dtype }) : 'f32';
}

/**
 * Reads the rows of a matrix of the base as floats, one block at a time, on demand. Throws `model.tensor_dtype`, and
 * what the checkpoint throws.
 * @param elements approximate number of elements per block
 * @param firstRow blocks that end before it are skipped
 */
export async function* matrixRows(
  context: LoadContext,
  source: MatrixSource,
  elements = BLOCK_ELEMENTS,
  firstRow = 0,
): AsyncGenerator<RowBlock> {
  const { stored, nf4, quantization } = source;
  if (stored.kind === 'bnb') yield* bnbRows(context, stored, source, elements, firstRow);
  else if (stored.kind !== 'float')
    yield* int4Rows(context, stored, quantization, source, elements, firstRow);
  else if (nf4) yield* nf4Rows(context, stored, source, elements, firstRow);
  else yield* floatRows(context, stored, source, elements, firstRow);
}

async function* floatRows(
  context: LoadContext,
  { tensor, dtype }: FloatMatrix,
  { rows: allRows, cols }: MatrixSource,
  elements: number,
  firstRow = 0,
): AsyncGenerator<RowBlock> {
  const format = floatFormat({ name: tensor, dtype });
  const rowBytes = cols * (format === 'f32' ? 4 : 2);
  for (const { rowStart: row, rows } of rowRanges(allRows, elements / cols, UNIT)) {
    if (row + rows <= firstRow) continue;
    yield { row, rows, w: await context.stage(tensor, row * rowBytes, rows * rowBytes), format };
  }
}

/** The rows of a float matrix after quantization to NF4 and back. */
async function* nf4Rows(
  context: LoadContext,
  stored: FloatMatrix,
  source: MatrixSource,
  elements: number,
  firstRow: number,
): AsyncGenerator<RowBlock> {
  const { rows: allRows, cols } = source;
  const { commands } = context;
  const blocks = Math.ceil((allRows * cols) / NF4_BLOCK);
  const nested = source.nf4?.doubleQuant ? await nestedScales(context, source, elements) : null;
  const absmax = context.tensor('f32', [blocks], 'absmax');
  const work = workTensors(context, source, elements, NF4_BLOCK);
  const scales = nested ? context.tensor('f32', [work.blocks], 'nested absmax') : work.scales;
  for await (const { row, rows, w, format } of floatRows(context, stored, source, elements, firstRow)) {
    const codes = { ...work.codes, shape: [rows, Math.ceil(cols / CODES_PER_WORD)] };
    const size = [allRows, cols] as const;
    quantizeNf4(commands, { source: w, format, row, rows }, { absmax, codes, codesRow: row, size });
    const first = (row * cols) / NF4_BLOCK;
    const count = Math.ceil((rows * cols) / NF4_BLOCK);
    // Both are in units of four bytes, so a copy can start at any block; a binding could not.
    if (nested) upload(context.gpu, scales, nested.slice(first, first + count));
    else commands.copy({ ...absmax, offset: 4 * first, shape: [count] }, scales);
    const encoding = { format: 'nf4' as const, blockSize: NF4_BLOCK, nestedBlockSize: null };
    const chunk = { rowStart: 0, rows, cols, encoding, data: codes, scales: { ...scales, shape: [count] } };
    const out = { ...work.out, shape: [rows, cols] };
    dequantize(commands, { chunk, row: 0, rows, out });
    yield { row, rows, w: out, format: 'f32' };
  }
}

/** absmax f32 [blocks] of a float matrix after double quantization, as in training. */
export async function nestedScales(
  context: LoadContext,
  source: MatrixSource,
  elements = BLOCK_ELEMENTS,
): Promise<Float32Array> {
  const { stored, rows: allRows, cols } = source;
  const { commands } = context;
  const blocks = Math.ceil((allRows * cols) / NF4_BLOCK);
  const absmax = context.tensor('f32', [blocks], 'absmax');
  const work = workTensors(context, source, elements, NF4_BLOCK);
  for await (const block of floatRows(context, stored as FloatMatrix, source, elements)) {
    const { row, rows, w, format } = block;
    // Only absmax is needed, not the codes.
    const target = { absmax, codes: work.codes, codesRow: row, size: [allRows, cols] as const };
    quantizeNf4(commands, { source: w, format, row, rows }, target);
  }
  const { codes, map, top, offset } = await readNested(context, absmax);
  for (const used of [absmax, work.codes, work.scales, work.out]) context.free(used);
  return nestedAbsmaxRef(codes, map, top, NESTED_BLOCK, offset);
}

/** The double quantization of absmax f32 [blocks], read back: codes [blocks], the map, second-level absmax, offset. */
export async function readNested(context: LoadContext, absmax: Tensor) {
  const { gpu, commands } = context;
  const [blocks = 0] = absmax.shape;
  const { codes, nested, scratch } = nestedTensors(context, absmax, 'merge');
  commands.submit();
  const bytes = await readBytes(gpu, codes);
  const values = await readFloats(gpu, nested);
  for (const used of [codes, nested, ...scratch]) context.free(used);
  return {
    codes: bytes.subarray(0, blocks),
    map: values.subarray(1, NESTED_HEAD),
    top: values.subarray(NESTED_HEAD),
    offset: values[0]!,
  };
}

async function* bnbRows(
  context: LoadContext,
  stored: BnbMatrix,
  source: MatrixSource,
  elements: number,
  firstRow: number,
): AsyncGenerator<RowBlock> {
  const { rows: allRows, cols } = source;
  const { commands, checkpoint, gpu } = context;
  const { tensor, codebook: format, blockSize } = stored;
  const work = workTensors(context, source, elements, blockSize);
  const encoding = { format, blockSize, nestedBlockSize: null };
  for (const { rowStart: row, rows } of work.ranges) {
    if (row + rows <= firstRow) continue;
    const codes = { ...work.codes, shape: [rows, Math.ceil(cols / CODES_PER_WORD)] };
    const staged = await context.stage(tensor, (row * cols) / 2, Math.ceil((rows * cols) / 2));
    const part = { from: 'bnb' as const, source: staged, first: 0, count: rows, codes };
    repackCodes(commands, part, { rows, rowStart: row, allRows, cols });
    const count = Math.ceil((rows * cols) / blockSize);
    const scales = { ...work.scales, shape: [count] };
    upload(gpu, scales, await readAbsmaxRange(checkpoint, stored, (row * cols) / blockSize, count));
    const out = { ...work.out, shape: [rows, cols] };
    const chunk = { rowStart: 0, rows, cols, encoding, data: codes, scales };
    dequantize(commands, { chunk, row: 0, rows, out });
    yield { row, rows, w: out, format: 'f32' };
  }
}

async function* int4Rows(
  context: LoadContext,
  stored: Int4Matrix,
  quantization: Quantization | null,
  { rows: allRows, cols }: MatrixSource,
  elements: number,
  firstRow: number,
): AsyncGenerator<RowBlock> {
  const { commands } = context;
  const { kind: from, qweight, groups } = stored;
  const words = Math.ceil(cols / CODES_PER_WORD);
  const ranges = rowRanges(allRows, elements / cols, UNIT);
  const most = ranges[0]?.rows ?? 0;
  const encoding = int4Encoding(stored);
  const groupIndex = await loadGroupIndex(context, stored, cols);
  const raw = await loadRawScales(context, stored, allRows);
  const zeroOffset = await zeroOffsetOf(context, stored, quantization);
  const room = {
    codes: context.tensor('u32', [most, words], 'codes'),
    scales: context.tensor('u32', [most, groups], 'scales'),
    out: context.tensor('f32', [most, cols], 'dequantized'),
  };
  for (const { rowStart: row, rows } of ranges) {
    if (row + rows <= firstRow) continue;
    const part = { rows, rowStart: row, allRows, cols };
    const codes = { ...room.codes, shape: [rows, words] };
    const scales = { ...room.scales, shape: [rows, groups] };
    packScales(commands, { from, ...raw, packed: scales, zeroOffset, groups }, part);
    // Files are stored along the columns: each range of rows reads through all of it.
    for (const { rowStart: first, rows: count } of rowRanges(words, PIECE / (4 * allRows), 1)) {
      const piece = await context.stage(qweight, 4 * first * allRows, 4 * count * allRows);
      repackCodes(commands, { from, source: piece, first, count, codes }, part);
    }
    const out = { ...room.out, shape: [rows, cols] };
    const index = groupIndex && { groupIndex };
    const chunk = { rowStart: 0, rows, cols, encoding, data: codes, scales, ...index };
    dequantize(commands, { chunk, row: 0, rows, out });
    yield { row, rows, w: out, format: 'f32' };
  }
}

/**
 * Scratch tensors to quantize and dequantize a block of rows, which starts at an absmax block and a multiple of UNIT.
 */
function workTensors(
  context: LoadContext,
  { rows, cols }: MatrixSource,
  elements: number,
  blockSize: number,
) {
  const unit = Math.max(UNIT, blockRows(cols, blockSize));
  const ranges = rowRanges(rows, elements / cols, unit);
  const most = ranges[0]?.rows ?? 0;
  const blocks = Math.ceil((most * cols) / blockSize);
  return {
    ranges,
    blocks,
    codes: context.tensor('u32', [most, Math.ceil(cols / CODES_PER_WORD)], 'codes'),
    scales: context.tensor('f32', [blocks], 'scales'),
    out: context.tensor('f32', [most, cols], 'dequantized'),
  };
}
