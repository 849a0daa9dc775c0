import type { Checkpoint } from '../checkpoint.ts';
import { decodeFloats } from '../../../base/lib/floats.ts';
import { dequantizeBnbRef, nestedAbsmaxRef } from './dequantize.ref.ts';
import type { BnbMatrix } from './types.ts';

/** absmax f32 [count] of blocks first … first + count − 1 of a bitsandbytes matrix, nested or not. */
export async function readAbsmaxRange(
  checkpoint: Checkpoint,
  { absmax, nested }: BnbMatrix,
  first: number,
  count: number,
): Promise<Float32Array> {
  if (nested === null) {
    return decodeFloats(await checkpoint.readRange(absmax, 4 * first, 4 * count), 'F32', absmax);
  }
  const { blockSize, offset } = nested;
  const group = Math.floor(first / blockSize);
  const groups = Math.floor((first + count - 1) / blockSize) - group + 1;
  const codes = await checkpoint.readRange(absmax, first, count);
  const map = decodeFloats(await checkpoint.read(nested.map), 'F32', nested.map);
  const bytes = await checkpoint.readRange(nested.absmax, 4 * group, 4 * groups);
  const top = decodeFloats(bytes, 'F32', nested.absmax);
  // The first nested block may begin before the codes do.
  const before = first - group * blockSize;
  const padded = new Uint8Array(before + count);
  padded.set(codes, before);
  return nestedAbsmaxRef(padded, map, top, blockSize, offset).subarray(before);
}

/** Elements start … start + count − 1 of the flattened matrix, f32, in plain loops: only their blocks are read. */
export async function readBnbElements(
  checkpoint: Checkpoint,
  stored: BnbMatrix,
  start: number,
  count: number,
): Promise<Float32Array> {
  const { tensor, codebook, blockSize } = stored;
  const first = Math.floor(start / blockSize);
  const blocks = Math.ceil((start + count) / blockSize) - first;
  const before = start - first * blockSize;
  const codes = await checkpoint.readRange(tensor, (first * blockSize) / 2, Math.ceil((before + count) / 2));
  const absmax = await readAbsmaxRange(checkpoint, stored, first, blocks);
  return dequantizeBnbRef(codes, absmax, codebook, blockSize, before + count).subarray(before);
}
