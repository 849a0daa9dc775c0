import type { Checkpoint } from '../checkpoint.ts';
import { decodeFloats } from '../../../base/lib/floats.ts';
import { codebooks } from './codebooks.ts';
import { readWords } from './describeStored.ts';
import { gptqZeroOffset } from './gptqZeros.ts';
import type { BnbMatrix, Codebook, Int4Matrix, Quantization, StoredMatrix } from './types.ts';

/** Which output AWQ's nibble i of a word holds (AutoAWQ, packing_utils.py). */
const awqOrder = [0, 2, 4, 6, 1, 3, 5, 7];

/**
 * The numbers of a matrix f32 [rows, cols], in plain loops: the reference for GPU code. Each is one f32 product.
 * `stored` comes from `describeStored`. Throws what reading the checkpoint throws.
 */
export async function dequantizeRef(
  checkpoint: Checkpoint,
  quantization: Quantization | null,
  stored: StoredMatrix,
  rows: number,
  cols: number,
): Promise<Float32Array> {
  if (stored.kind === 'float') {
    return decodeFloats(await checkpoint.read(stored.tensor), stored.dtype, stored.tensor);
  }
  if (stored.kind === 'bnb') {
    const codes = await checkpoint.read(stored.tensor);
    const absmax = await readAbsmax(checkpoint, stored);
    return dequantizeBnbRef(codes, absmax, stored.codebook, stored.blockSize, rows * cols);
  }
  const qzeros = await checkpoint.read(stored.qzeros);
  const offset = quantization?.method === 'gptq' ? gptqZeroOffset(qzeros, quantization) : 0;
  const { groupIndex } = stored;
  return dequantizeInt4Ref(stored, rows, cols, {
    codes: readWords(await checkpoint.read(stored.qweight)),
    zeros: readWords(qzeros),
    scales: decodeFloats(await checkpoint.read(stored.scales), stored.scaleDtype, stored.scales),
    groupIndex: groupIndex === null ? null : readWords(await checkpoint.read(groupIndex)),
    zeroOffset: offset,
  });
}

/** absmax f32 [blocks] of a bitsandbytes matrix, nested or not. Throws what reading the checkpoint throws. */
export async function readAbsmax(checkpoint: Checkpoint, stored: BnbMatrix): Promise<Float32Array> {
  const bytes = await checkpoint.read(stored.absmax);
  const { nested } = stored;
  if (nested === null) return decodeFloats(bytes, 'F32', stored.absmax);
  const map = decodeFloats(await checkpoint.read(nested.map), 'F32', nested.map);
  const absmax = decodeFloats(await checkpoint.read(nested.absmax), 'F32', nested.absmax);
  return nestedAbsmaxRef(bytes, map, absmax, nested.blockSize, nested.offset);
}

/** absmax f32 [blocks] from its 8-bit codes: map[code] · absmax of the nested block, rounded, + offset, rounded. */
export function nestedAbsmaxRef(
  codes: Uint8Array,
  map: Float32Array,
  absmax: Float32Array,
  blockSize: number,
  offset: number,
): Float32Array {
  return Float32Array.from(
    codes,
    (code, i) => Math.fround(map[code]! * absmax[Math.floor(i / blockSize)]!) + offset,
  );
}

/** f32 [count] from 4-bit codes [⌈count / 2⌉], the first in the high nibble: codebook[code] · absmax of the block. */
export function dequantizeBnbRef(
  codes: Uint8Array,
  absmax: Float32Array,
  codebook: Codebook,
  blockSize: number,
  count: number,
): Float32Array {
  const values = codebooks[codebook];
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const byte = codes[i >> 1]!;
    const code = i % 2 === 0 ? byte >> 4 : byte & 15;
    out[i] = values[code]! * absmax[Math.floor(i / blockSize)]!;
  }
  return out;
}

/** The tensors of a GPTQ or AWQ matrix as numbers; `zeroOffset` is added to each zero, modulo 16. */
export interface Int4Tensors {
  codes: Int32Array;
  zeros: Int32Array;
  scales: Float32Array;
  groupIndex: Int32Array | null;
  zeroOffset: 0 | 1;
}

/** f32 [rows, cols] of a GPTQ or AWQ matrix: scale · (code − zero). */
export function dequantizeInt4Ref(
  { kind, groupSize }: Pick<Int4Matrix, 'kind' | 'groupSize'>,
  rows: number,
  cols: number,
  { codes, zeros, scales, groupIndex, zeroOffset }: Int4Tensors,
): Float32Array {
  const out = new Float32Array(rows * cols);
  const words = rows / 8;
  for (let row = 0; row < rows; row++) {
    const word = Math.floor(row / 8);
    const nibble = kind === 'awq' ? awqOrder.indexOf(row % 8) : row % 8;
    for (let col = 0; col < cols; col++) {
      const group = groupIndex?.[col] ?? Math.floor(col / groupSize);
      const code =
        kind === 'awq'
          ? nibbleOf(codes[col * words + word]!, nibble)
          : nibbleOf(codes[Math.floor(col / 8) * rows + row]!, col % 8);
      const zero = (nibbleOf(zeros[group * words + word]!, nibble) + zeroOffset) & 15;
      out[row * cols + col] = scales[group * rows + row]! * (code - zero);
    }
  }
  return out;
}

function nibbleOf(word: number, index: number): number {
  return (word >>> (4 * index)) & 15;
}
