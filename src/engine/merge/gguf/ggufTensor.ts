import { decodeFloats } from '../../../base/lib/floats.ts';
import {
  ggufTensorName,
  headsOf,
  isConvolution,
  isNorm,
  permuted,
  type GgufArchitecture,
} from '../../../content/formats/gguf/architectures.ts';
import { aligned, ggufTensorBytes, type GgufEntry } from '../../../content/formats/gguf/ggufWriter.ts';
import { quantizeRows, type WrittenType } from '../../../content/formats/gguf/quantize.ts';
import { refuseOverflow } from '../f16Overflow.ts';
import { skipping, type OutputTensor, type WrittenTensor } from '../outputTensor.ts';

/**
 * A tensor of a GGUF file, and the result's tensors it is made of: one, one for each expert, or none where it is made from
 * the config.
 */
export interface GgufTensorPlan {
  entry: GgufEntry;
  /** Whether its type is a fallback, since its rows are no whole number of the type's blocks. */
  isFallback: boolean;
  from: readonly OutputTensor[];
  written: WrittenTensor;
}

/** f32 values quantized at a time, at least a row: bounds memory. */
const VALUES = 1 << 20;

/**
 * A tensor of the result as GGUF has it: renamed, convolutions as matrices, the rows of q and k in RoPE's other order where the architecture wants
 * that, norms with their offset, and quantized row by row.
 */
export function ggufTensor(
  architecture: GgufArchitecture,
  sizes: { heads: number; kvHeads: number },
  from: OutputTensor,
  type: WrittenType,
  isFallback: boolean,
): GgufTensorPlan {
  const { name, dtype, shape } = from.entry;
  const [channels = 1, , taps = 1] = shape;
  const stored = isConvolution(name) ? [channels, taps] : [...shape];
  const entry: GgufEntry = { name: ggufTensorName(architecture, name)!, type, shape: stored };
  const heads = architecture.permutesHeads ? headsOf(name, sizes) : null;
  const offset = isNorm(name) ? architecture.normOffset : 0;
  const rows = shape[0] ?? 1;
  const size = ggufTensorBytes(entry);
  const rowBytes = size / rows;
  const sourceRowBytes = from.entry.byteLength / rows;
  const cols = sourceRowBytes / (dtype === 'F32' ? 4 : 2);
  // Rows change their places within a head; vectors are one unit.
  const unit = shape.length === 1 && heads === null ? rows : rows / (heads ?? rows);
  async function* blocks(start: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    if (start < size) {
      const first = Math.floor(start / (unit * rowBytes)) * unit;
      const units = Math.max(1, Math.floor(VALUES / (unit * cols)));
      const source = from.blocks(first * sourceRowBytes);
      let skip = start - first * rowBytes;
      for await (const bytes of regrouped(source, units * unit * sourceRowBytes)) {
        const values = decodeFloats(bytes, dtype, name);
        const shifted = offset === 0 ? values : values.map((value) => value + offset);
        const ordered = heads === null ? shifted : permuted(shifted, unit, cols);
        const made = quantizeRows(ordered, type);
        yield refuseOverflow(made, type, name).subarray(skip);
        skip = 0;
      }
    }
    const padding = aligned(size) - Math.max(size, start);
    if (padding > 0) yield new Uint8Array(padding);
  }
  const byteLength = aligned(size);
  return {
    entry,
    isFallback,
    from: [from],
    written: {
      entry: { name: entry.name, dtype: type, shape: stored, byteLength },
      blocks: (start = 0) => blocks(start),
    },
  };
}

/** A tensor whose values are known: f32. */
export function ggufVector(name: string, values: Float32Array<ArrayBuffer>): GgufTensorPlan {
  const entry: GgufEntry = { name, type: 'F32', shape: [values.length] };
  const bytes = new Uint8Array(aligned(values.byteLength));
  bytes.set(quantizeRows(values, 'F32'));
  async function* whole() {
    yield await Promise.resolve(bytes);
  }
  return {
    entry,
    isFallback: false,
    from: [],
    written: {
      entry: { name, dtype: 'F32', shape: [values.length], byteLength: bytes.byteLength },
      blocks: (start) => skipping(whole(), start),
    },
  };
}

/** The same bytes in blocks of `size`, the last one shorter. */
async function* regrouped(
  source: AsyncIterable<Uint8Array<ArrayBuffer>>,
  size: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let held = new Uint8Array(size);
  let filled = 0;
  for await (const bytes of source) {
    for (let done = 0; done < bytes.byteLength;) {
      const some = bytes.subarray(done, done + size - filled);
      held.set(some, filled);
      filled += some.byteLength;
      done += some.byteLength;
      if (filled < size) continue;
      yield held;
      held = new Uint8Array(size);
      filled = 0;
    }
  }
  if (filled > 0) yield held.subarray(0, filled);
}
