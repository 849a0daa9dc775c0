import type { CheckpointTensor } from '../formats/checkpoint.ts';
import type { TensorEntry } from '../formats/safetensorsLayout.ts';
import type { FloatFormat } from '../kernels/weight.ts';
import type { MergedMatrix } from './mergedRows.ts';

/** Bytes copied at once of a tensor that stays as it is. */
const COPY_BYTES = 16 * 1024 * 1024;

/** A tensor of the result. */
export interface OutputTensor {
  entry: TensorEntry & { byteLength: number };
  /** The base's tensor it comes from, or the first of those it is made of. */
  from: CheckpointTensor;
  /** What it is computed from; null for one that is copied. */
  matrix: MergedMatrix | null;
  /** Of a matrix that was trained in full and replaces the base's: what it is rounded to. Else null. */
  trained: FloatFormat | null;
  /** Its bytes from one on, a block after the other: the same each time. */
  blocks(from?: number): AsyncIterable<Uint8Array<ArrayBuffer>>;
}

/** A tensor of the base as it is, perhaps under another name. */
export function copied(from: CheckpointTensor, name = from.info.name): OutputTensor {
  const { dtype, shape, begin, end } = from.info;
  // With its size, so that a tensor of a dtype only newer tools know is copied too.
  const byteLength = end - begin;
  const read = async (at: number, length: number) => {
    const bytes = new Uint8Array(length);
    await from.file.readInto(from.info.name, at, bytes);
    return bytes;
  };
  return {
    entry: { name, dtype, shape, byteLength },
    from,
    matrix: null,
    trained: null,
    blocks: (start) => pieces(byteLength, read, start),
  };
}

/** `size` bytes of something from `start` on, a piece after the other. */
export async function* pieces(
  size: number,
  read: (offset: number, length: number) => Promise<Uint8Array<ArrayBuffer>>,
  start = 0,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = start; at < size; at += COPY_BYTES) yield await read(at, Math.min(COPY_BYTES, size - at));
}

/** Blocks without their first bytes, for what cannot be made from the middle. */
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
