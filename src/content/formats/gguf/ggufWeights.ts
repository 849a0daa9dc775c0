import { GraftError } from '../../../base/lib/errors.ts';
import { encodeFloats } from '../../../base/lib/floats.ts';
import { checkRange, copyingSource } from '../../../base/storage/byteSource.ts';
import type { ByteSource } from '../../../base/storage/types.ts';
import type { FloatDtype } from '../dtypes.ts';
import { clip } from '../safetensorsHeader.ts';
import { safetensorsLayout } from '../safetensorsLayout.ts';
import {
  checkpointTensorName,
  expertNames,
  headsOf,
  isConvolution,
  isNorm,
  unpermutedRow,
} from './architectures.ts';
import { dequantizeBlocks, isReadable, unpackedTypes } from './dequantize.ts';
import type { GgufSizes } from './ggufConfig.ts';
import type { GgufFile } from './ggufFile.ts';
import type { GgufTensor } from './ggufHeader.ts';
import { expertCount, partsOf } from './stackedExperts.ts';

/** A tensor of a GGUF file as a checkpoint has it. */
export interface UnpackedTensor {
  /** Its name in a checkpoint. */
  name: string;
  from: GgufTensor;
  /** Its shape in a checkpoint. */
  shape: readonly number[];
  /** What it is read as: its own dtype, or F16 for what is quantized. */
  dtype: FloatDtype;
  /** The heads whose rows are to be put in order; null for none. */
  heads: number | null;
  /** What is taken off every value. */
  offset: number;
}

/** Tensors that are made again from the config. */
const DERIVED = /^rope_freqs\.weight$/;

/**
 * The tensors of a file by their names in a checkpoint. Throws `formats.gguf_tensor` for one that the architecture does
 * not have or whose heads make no sense, and `formats.gguf_type` for a type that cannot be unpacked.
 */
export function unpackedTensors(gguf: GgufFile, sizes: GgufSizes): UnpackedTensor[] {
  const { architecture } = sizes;
  const file = gguf.source.name;
  return [...gguf.tensors.values()].flatMap((from): UnpackedTensor[] => {
    if (DERIVED.test(from.name)) return [];
    const fail = (problem: string): never => {
      throw new GraftError('formats.gguf_tensor', { file, tensor: clip(from.name), problem });
    };
    const type = from.type.name;
    if (!isReadable(type)) {
      const known = ['F32', 'F16', 'BF16', ...unpackedTypes].join(', ');
      throw new GraftError('formats.gguf_type', { file, tensor: clip(from.name), type, known });
    }
    const dtype = type === 'F32' || type === 'F16' || type === 'BF16' ? type : 'F16';
    const expertName = expertNames(architecture, from.name);
    if (expertName) {
      const count = expertCount(gguf, architecture.name);
      const parts = partsOf(from, count) ?? fail(`it is no stack of ${count} matrices`);
      return parts.map((part, expert) => {
        return { name: expertName(expert), from: part, shape: part.shape, dtype, heads: null, offset: 0 };
      });
    }
    const name =
      checkpointTensorName(architecture, from.name) ??
      fail(`a model of architecture “${architecture.name}” has no such tensor`);
    const heads = architecture.permutesHeads ? headsOf(name, sizes) : null;
    const rows = from.shape[0] ?? 0;
    if (heads !== null && rows % (2 * heads) !== 0)
      fail(`its ${rows} rows are no ${heads} heads of an even size`);
    return [
      {
        name,
        from,
        shape: shapeOf(name, from.shape, fail),
        dtype,
        heads,
        offset: isNorm(name) ? architecture.normOffset : 0,
      },
    ];
  });
}

/** The shape of a tensor in a checkpoint, which has a dimension of 1 more for convolutions. */
function shapeOf(
  name: string,
  shape: readonly number[],
  fail: (problem: string) => never,
): readonly number[] {
  if (!isConvolution(name)) return shape;
  const [channels, taps, ...rest] = shape;
  if (channels === undefined || taps === undefined || rest.length > 0) return fail('it is no matrix');
  return [channels, 1, taps];
}

/**
 * The weights of a GGUF file as one safetensors file that does not exist: its header is made here, and any range of its
 * data is read from the GGUF and unpacked when it is asked for. So whatever reads checkpoints reads GGUF.
 */
export function unpackedSource(gguf: GgufFile, tensors: readonly UnpackedTensor[], name: string): ByteSource {
  const entries = tensors.map(({ name: tensor, dtype, shape }) => ({ name: tensor, dtype, shape }));
  const {
    header,
    tensors: sizes,
    totalBytes: size,
  } = safetensorsLayout(entries, { format: 'pt' }, undefined, name);
  let end: number = header.byteLength;
  const places = tensors.map((tensor, i) => {
    const begin = end;
    end += sizes[i]!.byteLength;
    return { tensor, begin, end };
  });
  const version = gguf.source.version;
  return copyingSource({
    name,
    size,
    ...(version !== undefined && { version: `unpacked ${version}` }),
    async read(offset, length) {
      checkRange({ name, size }, offset, length);
      const out = new Uint8Array(length);
      const to = offset + length;
      if (offset < header.byteLength) out.set(header.subarray(offset, Math.min(to, header.byteLength)));
      for (let i = firstEndingAfter(places, offset); i < places.length && places[i]!.begin < to; i++) {
        const { tensor, begin, end: last } = places[i]!;
        const [from, until] = [Math.max(offset, begin), Math.min(to, last)];
        if (from < until)
          out.set(await readUnpacked(gguf, tensor, from - begin, until - begin), from - offset);
      }
      return out;
    },
    release: async () => gguf.source.release?.(),
  });
}

/** The first of some ranges that ends after `offset`: they are in order. */
function firstEndingAfter(places: readonly { end: number }[], offset: number): number {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (places[middle]!.end > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Bytes `from` to `until` of a tensor as it is read. */
async function readUnpacked(
  gguf: GgufFile,
  tensor: UnpackedTensor,
  from: number,
  until: number,
): Promise<Uint8Array> {
  const { dtype, heads, offset, from: stored } = tensor;
  const isPlain = stored.type.block === 1 && heads === null && offset === 0;
  if (isPlain) return gguf.readRange(stored, from, until - from);
  const width = dtype === 'F32' ? 4 : 2;
  const [first, last] = [Math.floor(from / width), Math.ceil(until / width)];
  const { values, start } = await readValues(gguf, tensor, first, last);
  const wanted = values.subarray(first - start, last - start);
  if (offset !== 0) for (let i = 0; i < wanted.length; i++) wanted[i]! -= offset;
  const bytes = encodeFloats(wanted, dtype);
  return bytes.subarray(from - first * width, until - first * width);
}

/** f32 values that cover elements `first` to `last`, and which element they begin with. */
async function readValues(
  gguf: GgufFile,
  { from: stored, heads }: UnpackedTensor,
  first: number,
  last: number,
): Promise<{ values: Float32Array<ArrayBuffer>; start: number }> {
  const { type, shape } = stored;
  const elements = shape.reduce((product, size) => product * size, 1);
  const cols = elements / (shape[0] ?? 1);
  // Rows change their places within a head, so whole heads are read.
  const unit = heads === null ? type.block : elements / heads;
  const start = Math.floor(first / unit) * unit;
  const end = Math.min(elements, Math.ceil(last / unit) * unit);
  const bytesAt = (element: number) => (element / type.block) * type.bytes;
  const bytes = await gguf.readRange(stored, bytesAt(start), bytesAt(end) - bytesAt(start));
  const values = dequantizeBlocks(bytes, type);
  if (heads === null) return { values: values.slice(), start };
  const headRows = unit / cols;
  const ordered = new Float32Array(values.length);
  for (let row = 0; row * cols < values.length; row++) {
    const within = row % headRows;
    const target = row - within + unpermutedRow(within, headRows);
    ordered.set(values.subarray(row * cols, (row + 1) * cols), target * cols);
  }
  return { values: ordered, start };
}
