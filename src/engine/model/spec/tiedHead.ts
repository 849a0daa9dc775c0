import type { Checkpoint } from '../../../content/formats/checkpoint.ts';
import { decodeFloats, floatSize } from '../../../base/lib/floats.ts';
import type { Quantization, StoredMatrix } from '../../../content/formats/quantized/types.ts';
import { describeMatrix } from '../../../content/formats/quantized/describe.ts';
import type { DecoderSpec } from './spec.ts';

/** Bytes compared at a time. */
const PIECE = 8 * 1024 * 1024;

/** Rows per sample where comparing everything would read too much. */
const SAMPLE_ROWS = 8;
const SAMPLES = 4;

/** How much of the two matrices may be read to compare them. */
export type HeadComparison = 'whole' | 'samples';

/**
 * Determines from the files whether the head is the embedding if config.json ties the two (transformers 5.2x,
 * `tie_weights`): a stored head with other values is the model's own, an equal copy is ignored; if only the head is
 * stored, it is also the embedding, and is then listed under the embedding's name. Throws `model.tensor_shape`,
 * `model.tensor_dtype` for a stored head that is invalid.
 * @param comparison `samples` reads a few rows, for remote headers; nearly every row of a different head differs
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

/** Whether two matrices hold the same values; 4-bit and float matrices never do. */
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
    // Zeros of either sign are equal, and different dtypes may hold the same values.
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
