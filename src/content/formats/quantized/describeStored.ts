import { GraftError } from '../../../base/lib/errors.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { decodeFloats } from '../../../base/lib/floats.ts';
import { clip } from '../safetensorsHeader.ts';
import { codebooks } from './codebooks.ts';
import { describeMatrix, quantMapName } from './describe.ts';
import { readQuantState, stateError } from './quantState.ts';
import type { BnbMatrix, Int4Matrix, Quantization, StoredMatrix } from './types.ts';

/** How far a stored codebook may be from the known one: bitsandbytes' own tolerance. */
const mapTolerance = 1e-6;

/**
 * Where the weight [rows, cols] of `module` is stored, in full: `describeMatrix`, and what the small tensors beside
 * it say. Of bitsandbytes the quant_state is checked against rows, cols and the other tensors, and the codebook is
 * the known one; of GPTQ every group exists, and `groupIndex` is null where inputs are in order.
 * Throws what `describeMatrix` and `readQuantState` throw, `formats.quant_map`, `formats.quant_group`.
 */
export async function describeStored(
  checkpoint: Checkpoint,
  quantization: Quantization | null,
  module: string,
  rows: number,
  cols: number,
): Promise<StoredMatrix> {
  const stored = describeMatrix(checkpoint, quantization, module, rows, cols);
  if (stored.kind === 'bnb') return completeBnb(checkpoint, stored, module, rows, cols);
  if (stored.kind === 'gptq') return withoutOrderedIndex(checkpoint, stored);
  return stored;
}

async function completeBnb(
  checkpoint: Checkpoint,
  stored: BnbMatrix,
  module: string,
  rows: number,
  cols: number,
): Promise<BnbMatrix> {
  const state = await readQuantState(checkpoint, module);
  const { tensor, shape, blockSize, dtype } = state;
  if (shape[0] !== rows || shape[1] !== cols) {
    throw stateError(tensor, 'shape', shape, `[${rows}, ${cols}]`);
  }
  checkBlocks(checkpoint, stored.absmax, rows * cols, blockSize, tensor, 'blocksize');
  const codebook = codebooks[stored.codebook];
  await checkMap(checkpoint, quantMapName(stored.tensor), (value, i) => {
    const expected = codebook[i]!;
    return Math.abs(value - expected) <= mapTolerance ? null : String(expected);
  });
  if (stored.nested === null || state.nested === null) {
    if (stored.nested === state.nested) return { ...stored, blockSize, dtype };
    const found = state.nested?.offset;
    throw stateError(
      tensor,
      'nested_offset',
      found,
      stored.nested ? 'a number' : 'none, since absmax is F32',
    );
  }
  const nested = { ...stored.nested, ...state.nested };
  const blocks = Math.ceil((rows * cols) / blockSize);
  checkBlocks(checkpoint, nested.absmax, blocks, nested.blockSize, tensor, 'nested_blocksize');
  // The map is read, never recomputed: its last digit differs between processors.
  await checkMap(checkpoint, nested.map, (value) => (Math.abs(value) <= 1 ? null : 'a number from −1 to 1'));
  return { ...stored, blockSize, dtype, nested };
}

function checkBlocks(
  checkpoint: Checkpoint,
  absmax: string,
  count: number,
  blockSize: number,
  state: string,
  field: string,
): void {
  const [blocks] = checkpoint.get(absmax).info.shape;
  if (Math.ceil(count / blockSize) === blocks) return;
  throw stateError(state, field, blockSize, `a value that matches the ${blocks} blocks of “${clip(absmax)}”`);
}

/** Checks each value of a map; `problem` gives what was expected of one, or null. */
async function checkMap(
  checkpoint: Checkpoint,
  tensor: string,
  problem: (value: number, index: number) => string | null,
): Promise<void> {
  const map = decodeFloats(await checkpoint.read(tensor), 'F32', tensor);
  for (const [index, value] of map.entries()) {
    const expected = problem(value, index);
    if (expected === null) continue;
    throw new GraftError('formats.quant_map', { tensor: clip(tensor), index, found: value, expected });
  }
}

async function withoutOrderedIndex(checkpoint: Checkpoint, stored: Int4Matrix): Promise<Int4Matrix> {
  const { groupIndex, groupSize, groups } = stored;
  if (groupIndex === null) return stored;
  const index = readWords(await checkpoint.read(groupIndex));
  const wrong = index.findIndex((group) => !(group >= 0 && group < groups));
  if (wrong >= 0) {
    const params = { tensor: clip(groupIndex), index: wrong, found: index[wrong]!, last: groups - 1 };
    throw new GraftError('formats.quant_group', params);
  }
  const ordered = index.every((group, i) => group === Math.floor(i / groupSize));
  return ordered ? { ...stored, groupIndex: null } : stored;
}

/** Little-endian i32 words, at any byteOffset. */
export function readWords(bytes: Uint8Array): Int32Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Int32Array.from({ length: bytes.byteLength / 4 }, (_, i) => view.getInt32(i * 4, true));
}
