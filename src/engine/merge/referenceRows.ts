import { decodeFloats, floatSize } from '../../base/lib/floats.ts';
import { readBnbElements } from '../../content/formats/quantized/bnbElements.ts';
import { nf4BlockSize } from '../../content/formats/quantized/codebooks.ts';
import { dequantizeBnbRef } from '../../content/formats/quantized/dequantize.ref.ts';
import { readInt4Rows } from '../../content/formats/quantized/int4Rows.ts';
import { quantizeNf4Ref } from '../../content/formats/quantized/nf4.ref.ts';
import type { FloatMatrix } from '../../content/formats/quantized/types.ts';
import type { MatrixSource } from './matrixSource.ts';

/**
 * Rows of a matrix of the base, f32 [cols] each, in the order of `wanted`, in plain loops on the CPU: the reference for
 * the GPU.
 * @param scales absmax after double quantization [blocks], if the matrix goes through nested NF4
 */
export async function referenceRows(
  source: MatrixSource,
  wanted: readonly number[],
  scales: Float32Array | null,
): Promise<Float32Array[]> {
  const { stored, checkpoint, quantization, rows, cols, nf4 } = source;
  if (stored.kind === 'bnb') {
    return Promise.all(wanted.map((row) => readBnbElements(checkpoint, stored, row * cols, cols)));
  }
  if (stored.kind !== 'float') {
    const found = await readInt4Rows(checkpoint, quantization, stored, [rows, cols], wanted);
    return wanted.map((row) => found.get(row)!);
  }
  const rowOf = (row: number) =>
    nf4 ? nf4Row(source, stored, row, scales) : floats(source, stored, row * cols, cols);
  return Promise.all(wanted.map(rowOf));
}

async function floats(
  { checkpoint }: MatrixSource,
  { tensor, dtype }: FloatMatrix,
  start: number,
  count: number,
): Promise<Float32Array> {
  const width = floatSize(dtype, tensor);
  return decodeFloats(await checkpoint.readRange(tensor, start * width, count * width), dtype, tensor);
}

/** A row after quantization to NF4 and back; its first and last block may extend into the rows next to it. */
async function nf4Row(
  source: MatrixSource,
  stored: FloatMatrix,
  row: number,
  scales: Float32Array | null,
): Promise<Float32Array> {
  const { rows, cols } = source;
  const block = Math.floor((row * cols) / nf4BlockSize);
  const start = block * nf4BlockSize;
  const end = Math.min(Math.ceil(((row + 1) * cols) / nf4BlockSize) * nf4BlockSize, rows * cols);
  const { codes, absmax } = quantizeNf4Ref(await floats(source, stored, start, end - start));
  const used = scales ? scales.subarray(block, block + absmax.length) : absmax;
  const values = dequantizeBnbRef(codes, used, 'nf4', nf4BlockSize, end - start);
  return values.subarray(row * cols - start, (row + 1) * cols - start);
}
