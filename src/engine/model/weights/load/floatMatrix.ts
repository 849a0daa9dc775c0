import type { FloatMatrix } from '../../../../content/formats/quantized/types.ts';
import { decodeFloats, f32ToF16 } from '../../../../base/lib/floats.ts';
import type { FloatFormat, Weight, WeightChunk } from '../../../kernels/weight.ts';
import { floatFormat } from '../../spec/floatFormat.ts';
import { rowRanges, type LoadContext, type RowRange } from './loadContext.ts';
import type { BufferSlice } from './loadContext.ts';

/** 64 rows align each chunk to whole words, and its slice of a bias to 256 bytes. */
const CHUNK_ROWS = 64;

/**
 * Loads a float matrix to the GPU bit for bit, or F32 as f16 with `halve`, in chunks within the binding limit. Throws
 * `model.tensor_dtype`.
 * @param slice the destination, instead of separate tensors
 * @param only rows to load, whose chunks keep their row numbers; by default all
 */
export async function loadFloatMatrix(
  context: LoadContext,
  { tensor, dtype }: FloatMatrix,
  [rows, cols]: readonly [number, number],
  halve: boolean,
  only: RowRange = { rowStart: 0, rows },
  slice: BufferSlice | null = null,
): Promise<Weight> {
  const stored = floatFormat({ name: tensor, dtype });
  const format: FloatFormat = halve && stored === 'f32' ? 'f16' : stored;
  const bytesOf = (of: FloatFormat, elements: number) => elements * (of === 'f32' ? 4 : 2);
  const limit = Math.floor(context.gpu.maxBinding / bytesOf(format, cols));
  const chunks: WeightChunk[] = [];
  for (const part of rowRanges(only.rows, limit, CHUNK_ROWS)) {
    const range = { rowStart: only.rowStart + part.rowStart, rows: part.rows };
    const count = range.rows * cols;
    const start = range.rowStart * cols;
    const words = format === 'f32' ? count : Math.ceil(count / 2);
    const data = slice?.data ?? context.tensor(format === 'f32' ? 'f32' : 'u32', [words], tensor);
    chunks.push({ ...range, cols, encoding: { format }, data });
    const [offset, length] = [bytesOf(stored, start), bytesOf(stored, count)];
    if (format === stored) await context.copy(tensor, offset, length, data);
    else await context.convert(tensor, offset, length, data, halved);
  }
  return { rows, cols, chunks };
}

function halved(floats: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(f32ToF16(decodeFloats(floats, 'F32')).buffer);
}
