import type { Checkpoint } from '../formats/checkpoint.ts';
import { decodeFloats, floatSize } from '../formats/floats.ts';
import type { Quantization, StoredMatrix } from '../formats/quantized/types.ts';
import { describeMatrix } from '../formats/quantized/describe.ts';
import type { DecoderSpec } from './spec.ts';

/** Bytes compared at once. */
const PIECE = 8 * 1024 * 1024;

/** Rows in each of the places that are compared where a whole comparison would read too much. */
const SAMPLE_ROWS = 8;
const SAMPLES = 4;

/** How much of the two matrices may be read to compare them. */
export type HeadComparison = 'whole' | 'samples';

/**
 * Whether the head is the embedding, by what the files hold where config.json ties the two (transformers 5.2x,
 * `tie_weights`): a head that is stored with other values is the model's own, an equal copy is none; where only the
 * head is stored it is the embedding too, and the checkpoint then has it under the embedding's name.
 * @param comparison `samples` reads rows here and there, for headers that come from afar; nearly every row of a head
 *   that is another differs
 * Throws `model.tensor_shape`, `model.tensor_dtype` of a stored head that cannot be one.
 */
export async function settleTies(
  spec: DecoderSpec,
  checkpoint: Checkpoint,
  quantization: Quantization | null,
  comparison: HeadComparison,
): Promise<DecoderSpec> {
  if (!spec.tied) return spec;
  const { embedding, head } = spec.names;
  const holds = (module: string) =>
    checkpoint.tensors.has(`${module}.weight`) || checkpoint.tensors.has(`${module}.qweight`);
  if (!holds(head)) return spec;
  if (!holds(embedding)) {
    if (checkpoint.tensors.has(`${head}.weight`)) checkpoint.rename(`${head}.weight`, `${embedding}.weight`);
    return spec;
  }
  const { vocabSize: rows, hiddenSize: cols } = spec;
  const describe = (module: string) => describeMatrix(checkpoint, quantization, module, rows, cols);
  const [table, own] = [describe(embedding), describe(head)];
  const tied = await areEqual(checkpoint, table, own, [rows, cols], comparison);
  return tied ? spec : { ...spec, tied };
}

/** Whether two matrices hold the same numbers; 4 bits beside floats never do. */
async function areEqual(
  checkpoint: Checkpoint,
  a: StoredMatrix,
  b: StoredMatrix,
  [rows, cols]: readonly [number, number],
  comparison: HeadComparison,
): Promise<boolean> {
  if (a.kind !== 'float' || b.kind !== 'float') return false;
  const read = async ({ tensor, dtype }: typeof a, row: number, count: number) => {
    const width = floatSize(dtype, tensor) * cols;
    return checkpoint.readRange(tensor, row * width, count * width);
  };
  for (const { row, count } of rowsToCompare(rows, cols, comparison)) {
    const [left, right] = [await read(a, row, count), await read(b, row, count)];
    if (a.dtype === b.dtype && sameBytes(left, right)) continue;
    // Zeros of either sign are equal, and one dtype may hold the numbers of another.
    const [x, y] = [decodeFloats(left, a.dtype, a.tensor), decodeFloats(right, b.dtype, b.tensor)];
    if (x.some((value, i) => value !== y[i])) return false;
  }
  return true;
}

function rowsToCompare(rows: number, cols: number, comparison: HeadComparison) {
  const step = comparison === 'whole' ? Math.max(1, Math.floor(PIECE / 4 / cols)) : SAMPLE_ROWS;
  const stride = comparison === 'whole' ? step : Math.max(step, Math.ceil(rows / SAMPLES));
  return Array.from({ length: Math.ceil(rows / stride) }, (_, i) => {
    const row = i * stride;
    return { row, count: Math.min(step, rows - row) };
  });
}

function sameBytes(a: Uint8Array<ArrayBuffer>, b: Uint8Array<ArrayBuffer>): boolean {
  const aligned = (a.byteOffset | b.byteOffset) % 4 === 0 && a.byteLength % 4 === 0;
  const words = ({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>) =>
    aligned
      ? new Uint32Array(buffer, byteOffset, byteLength / 4)
      : new Uint8Array(buffer, byteOffset, byteLength);
  const [x, y] = [words(a), words(b)];
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return false;
  return true;
}
