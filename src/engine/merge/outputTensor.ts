import { decodeFloats, encodeFloats, floatSize } from '../../base/lib/floats.ts';
import { startOf, type CheckpointTensor } from '../../content/formats/checkpoint.ts';
import { tensorBytes, type TensorEntry } from '../../content/formats/safetensorsLayout.ts';
import { floatDtypes, type FloatDtype } from '../../content/formats/dtypes.ts';
import type { FloatFormat } from '../kernels/weight.ts';
import { floatFormat } from '../model/spec/floatFormat.ts';
import { refuseOverflow } from './f16Overflow.ts';
import type { MergedMatrix } from './mergedRows.ts';

/** Bytes of an unchanged tensor copied at a time. */
const COPY_BYTES = 16 * 1024 * 1024;

const FLOATS: ReadonlySet<string> = new Set(floatDtypes);

/** A tensor as it is written. */
export interface WrittenTensor {
  entry: TensorEntry & { byteLength: number };
  /** Its bytes from `from` on, one block at a time; always the same. */
  blocks(from?: number): AsyncIterable<Uint8Array<ArrayBuffer>>;
}

/** A tensor of the result. */
export interface OutputTensor extends WrittenTensor {
  /** The base's tensor it comes from, or the first of several. */
  from: CheckpointTensor;
  /** What it is computed from; null if it is copied. */
  matrix: MergedMatrix | null;
  /** For a fully trained matrix that replaces the base's, the format it is rounded to; else null. */
  trained: FloatFormat | null;
  /** For a copy in another dtype, the format it is rounded to; else null. */
  converted: FloatFormat | null;
}

/** A tensor of the base, unchanged except perhaps for its name. */
export function copied(from: CheckpointTensor, name = from.info.name): OutputTensor {
  const { dtype, shape, begin, end } = from.info;
  // By its size, so that tensors of a dtype only newer tools know can be copied too.
  const byteLength = end - begin;
  const read = async (at: number, length: number) => {
    const bytes = new Uint8Array(length);
    await from.file.readInto(from.info.name, startOf(from) + at, bytes);
    return bytes;
  };
  return {
    entry: { name, dtype, shape, byteLength },
    from,
    matrix: null,
    trained: null,
    converted: null,
    blocks: (start) => pieces(byteLength, read, start),
  };
}

/**
 * A tensor of the base that the job leaves alone: a copy, in another dtype if one is chosen for floats. Others, such as
 * indices, keep theirs.
 */
export function kept(
  { floats }: { floats: FloatDtype | null },
  from: CheckpointTensor,
  name = from.info.name,
): OutputTensor {
  const { dtype, shape } = from.info;
  if (floats === null || dtype === floats || !FLOATS.has(dtype)) return copied(from, name);
  const entry = { name, dtype: floats, shape };
  const byteLength = tensorBytes(entry);
  const [width, sourceWidth] = [floatSize(floats, name), floatSize(dtype, name)];
  const read = async (at: number, length: number) => {
    const source = new Uint8Array((length / width) * sourceWidth);
    await from.file.readInto(from.info.name, startOf(from) + (at / width) * sourceWidth, source);
    return refuseOverflow(encodeFloats(decodeFloats(source, dtype, name), floats, name), floats, name);
  };
  return {
    entry: { ...entry, byteLength },
    from,
    matrix: null,
    trained: null,
    converted: floatFormat({ name, dtype: floats }),
    blocks: (start = 0) => {
      // An element may be cut where an earlier start ended.
      const cut = start % width;
      return skipping(pieces(byteLength, read, start - cut), cut);
    },
  };
}

/** Reads bytes from `start` to `size`, one piece at a time. */
export async function* pieces(
  size: number,
  read: (offset: number, length: number) => Promise<Uint8Array<ArrayBuffer>>,
  start = 0,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = start; at < size; at += COPY_BYTES) yield await read(at, Math.min(COPY_BYTES, size - at));
}

/** Skips the first bytes of blocks that cannot be computed from the middle. */
export async function* skipping(
  blocks: AsyncIterable<Uint8Array<ArrayBuffer>>,
  bytes = 0,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let left = bytes;
  for await (const block of blocks) {
    if (left < block.byteLength) yield block.subarray(left);
    left = Math.max(0, left - block.byteLength);
  }
}
