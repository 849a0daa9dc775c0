import { GraftError } from '../../../base/lib/errors.ts';
import { exactProduct } from '../dtypes.ts';
import { clip, shapeText } from '../safetensorsHeader.ts';
import { ggmlTypes, type GgmlType } from './ggmlTypes.ts';

/** A value of a key; whole numbers of 64 bits are numbers where they are exact, else the key is refused. */
export type GgufValue = number | boolean | string | GgufArray;

/** A list of values of one kind; lists of numbers are typed arrays. */
export type GgufArray = string[] | boolean[] | Float32Array | Float64Array | Int32Array | Uint32Array;

/** A tensor of a GGUF file. */
export interface GgufTensor {
  name: string;
  type: GgmlType;
  /** Sizes from the outermost to the innermost, as in PyTorch: the file has them the other way round. */
  shape: number[];
  /** Bytes from the start of the data. */
  begin: number;
  end: number;
}

/** What stands before the data of a GGUF file. */
export interface GgufHeader {
  version: number;
  keys: Map<string, GgufValue>;
  /** In the order the header names them. */
  tensors: Map<string, GgufTensor>;
  /** Where the data starts, and what every tensor starts at a multiple of. */
  dataStart: number;
  alignment: number;
}

/** The value types of GGUF, by number. */
export const valueTypes = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  string: 8,
  array: 9,
  u64: 10,
  i64: 11,
  f64: 12,
} as const;

/** Bytes of a value, by type; of strings and arrays the fewest. */
const sizes: readonly number[] = [1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8];

/** The longest header that is read, in bytes: vocabularies of 256,000 tokens take about 12 MB. */
export const maxGgufHeader = 256 << 20;
/** The most keys and tensors: real files have some dozens, and some thousand. */
const MAX_ITEMS = 1 << 20;
const MAX_DIMENSIONS = 4;

/** More bytes are needed to go on. */
export class NeedsMore {
  readonly bytes: number;

  constructor(bytes: number) {
    this.bytes = bytes;
  }
}

/**
 * Parses and checks a header (format: ggml's docs/gguf.md; rules as in llama.cpp's `gguf_init_from_file`), of which
 * `bytes` is the beginning of a file of `size` bytes. Throws `NeedsMore` where the header goes on behind `bytes`, else
 * `formats.gguf_*` naming `file` and the key or tensor.
 */
export function parseGgufHeader(bytes: Uint8Array, file: string, size: number): GgufHeader {
  const cursor = new Cursor(bytes, file, size);
  const version = readVersion(cursor);
  const tensorCount = cursor.count('tensors', 24);
  const keyCount = cursor.count('keys', 13);
  const keys = new Map<string, GgufValue>();
  for (let i = 0; i < keyCount; i++) {
    const key = cursor.string('the name of a key');
    if (keys.has(key)) throw new GraftError('formats.gguf_duplicate', { file, what: 'key', name: clip(key) });
    keys.set(key, readValue(cursor, key, cursor.u32()));
  }
  const alignment = alignmentOf(keys, file);
  const tensors = new Map<string, GgufTensor>();
  for (let i = 0; i < tensorCount; i++) {
    const tensor = readTensor(cursor, alignment);
    if (tensors.has(tensor.name))
      throw new GraftError('formats.gguf_duplicate', { file, what: 'tensor', name: clip(tensor.name) });
    tensors.set(tensor.name, tensor);
  }
  const dataStart = Math.ceil(cursor.at / alignment) * alignment;
  checkData([...tensors.values()], file, Math.max(0, size - dataStart));
  return { version, keys, tensors, dataStart, alignment };
}

function readVersion(cursor: Cursor): number {
  const { file } = cursor;
  if (String.fromCharCode(...cursor.take(4)) !== 'GGUF') throw new GraftError('formats.gguf_magic', { file });
  const version = cursor.u32();
  // Another byte order shows in the version, the first number of the file.
  if (version !== 0 && (version & 0xffff) === 0) throw new GraftError('formats.gguf_big_endian', { file });
  if (version !== 2 && version !== 3) throw new GraftError('formats.gguf_version', { file, version });
  return version;
}

function readValue(cursor: Cursor, key: string, type: number): GgufValue {
  if (type === valueTypes.array) {
    const of = cursor.u32();
    return readArray(cursor, key, of);
  }
  return readScalar(cursor, key, type);
}

function readScalar(cursor: Cursor, key: string, type: number): number | boolean | string {
  switch (type) {
    case valueTypes.string:
      return cursor.string(`key “${clip(key)}”`);
    case valueTypes.bool:
      return readBool(cursor, key);
    default:
      return readNumber(cursor, key, type);
  }
}

function readBool(cursor: Cursor, key: string): boolean {
  const [byte = 0] = cursor.take(1);
  if (byte > 1) throw badValue(cursor, key, `${byte} is neither true nor false`);
  return byte === 1;
}

function readNumber(cursor: Cursor, key: string, type: number): number {
  const { view } = cursor;
  const size = type === valueTypes.string || type === valueTypes.array ? undefined : sizes[type];
  if (size === undefined) throw badValue(cursor, key, `its type ${type} is unknown`);
  const at = cursor.skip(size);
  switch (type) {
    case valueTypes.u8:
      return view.getUint8(at);
    case valueTypes.i8:
      return view.getInt8(at);
    case valueTypes.u16:
      return view.getUint16(at, true);
    case valueTypes.i16:
      return view.getInt16(at, true);
    case valueTypes.u32:
      return view.getUint32(at, true);
    case valueTypes.i32:
      return view.getInt32(at, true);
    case valueTypes.f32:
      return view.getFloat32(at, true);
    case valueTypes.f64:
      return view.getFloat64(at, true);
    default: {
      const exact = type === valueTypes.u64 ? view.getBigUint64(at, true) : view.getBigInt64(at, true);
      const value = Number(exact);
      if (!Number.isSafeInteger(value)) throw badValue(cursor, key, `${exact} is above 2^53 − 1`);
      return value;
    }
  }
}

function readArray(cursor: Cursor, key: string, type: number): GgufArray {
  const least = sizes[type];
  if (least === undefined || type === valueTypes.array)
    throw badValue(
      cursor,
      key,
      type === valueTypes.array ? 'it is a list of lists' : `its type ${type} is unknown`,
    );
  const count = cursor.count(`items of key “${clip(key)}”`, least, Infinity);
  if (type === valueTypes.string) {
    const texts: string[] = [];
    for (let i = 0; i < count; i++) texts.push(cursor.string(`key “${clip(key)}”`));
    return texts;
  }
  // Nothing of the list's size is made before its bytes are there.
  cursor.need(count * least);
  if (type === valueTypes.bool) return Array.from({ length: count }, () => readBool(cursor, key));
  const list = numbersFor(type, count);
  for (let i = 0; i < count; i++) list[i] = readNumber(cursor, key, type);
  return list;
}

function numbersFor(type: number, count: number): Exclude<GgufArray, string[] | boolean[]> {
  if (type === valueTypes.f32) return new Float32Array(count);
  if (type === valueTypes.f64 || type === valueTypes.u64 || type === valueTypes.i64)
    return new Float64Array(count);
  return type === valueTypes.u32 ? new Uint32Array(count) : new Int32Array(count);
}

function readTensor(cursor: Cursor, alignment: number): GgufTensor {
  const { file } = cursor;
  const name = cursor.string('the name of a tensor');
  const tensor = clip(name);
  const fail = (problem: string): never => {
    throw new GraftError('formats.gguf_tensor', { file, tensor, problem });
  };
  const dimensions = cursor.u32();
  if (dimensions > MAX_DIMENSIONS) fail(`it has ${dimensions} dimensions, and GGUF allows ${MAX_DIMENSIONS}`);
  const reversed = Array.from({ length: dimensions }, () => cursor.u64() ?? fail('a size is above 2^53 − 1'));
  const shape = reversed.toReversed();
  const id = cursor.u32();
  const type = ggmlTypes.get(id) ?? fail(`its type ${id} is unknown`);
  const begin = cursor.u64() ?? fail('its offset is above 2^53 − 1');
  const elements = exactProduct(shape) ?? fail(`its shape [${shapeText(shape)}] has too many elements`);
  const cols = shape.at(-1) ?? 1;
  if (cols % type.block !== 0)
    fail(`its rows have ${cols} values, which is no multiple of ${type.block}, a block of ${type.name}`);
  const length = exactProduct([elements / type.block, type.bytes]) ?? fail('it has too many bytes');
  if (begin % alignment !== 0) fail(`it starts at byte ${begin}, which is no multiple of ${alignment}`);
  return { name, type, shape, begin, end: begin + length };
}

function alignmentOf(keys: ReadonlyMap<string, GgufValue>, file: string): number {
  const value = keys.get('general.alignment') ?? 32;
  const isPower =
    typeof value === 'number' && value >= 1 && value <= 1 << 20 && Number.isInteger(Math.log2(value));
  if (!isPower) throw new GraftError('formats.gguf_alignment', { file, value: clip(String(value)) });
  return value;
}

/** Checks that no two tensors share bytes, and that the data has all of them. */
function checkData(tensors: GgufTensor[], file: string, dataBytes: number): void {
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let previous: GgufTensor | null = null;
  for (const info of tensors) {
    const { begin, end } = info;
    const tensor = clip(info.name);
    if (end > dataBytes)
      throw new GraftError('formats.tensor_beyond_file', { file, tensor, end, available: dataBytes });
    if (previous && begin < previous.end)
      throw new GraftError('formats.tensor_overlap', { file, tensor, begin, other: clip(previous.name) });
    if (end > begin) previous = info;
  }
}

function badValue({ file }: Cursor, key: string, problem: string): GraftError {
  return new GraftError('formats.gguf_value', { file, key: clip(key), problem });
}

/** Reads through the beginning of a file; a length that exceeds the file is refused before anything of it is read. */
class Cursor {
  readonly file: string;
  readonly view: DataView;
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #size: number;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor(bytes: Uint8Array, file: string, size: number) {
    this.#bytes = bytes;
    this.#size = size;
    this.file = file;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Asserts that `length` bytes follow. Throws `NeedsMore`, `formats.gguf_truncated`, `formats.gguf_header_too_large`. */
  need(length: number): void {
    const end = this.at + length;
    if (end <= this.#bytes.byteLength) return;
    const { file } = this;
    if (end > this.#size) throw new GraftError('formats.gguf_truncated', { file, size: this.#size, end });
    if (end > maxGgufHeader)
      throw new GraftError('formats.gguf_header_too_large', { file, limit: maxGgufHeader });
    throw new NeedsMore(end);
  }

  /** Passes over `length` bytes; returns where they begin. */
  skip(length: number): number {
    this.need(length);
    const from = this.at;
    this.at += length;
    return from;
  }

  take(length: number): Uint8Array {
    const from = this.skip(length);
    return this.#bytes.subarray(from, from + length);
  }

  u32(): number {
    return this.view.getUint32(this.skip(4), true);
  }

  /** Null above 2^53 − 1. */
  u64(): number | null {
    const at = this.skip(8);
    const value = this.view.getUint32(at + 4, true) * 2 ** 32 + this.view.getUint32(at, true);
    return Number.isSafeInteger(value) ? value : null;
  }

  /** A number of things of at least `least` bytes each: no more than the rest of the file can hold. */
  count(what: string, least: number, limit = MAX_ITEMS): number {
    const value = this.u64();
    const { file } = this;
    if (value === null || value > limit || value * least > this.#size - this.at)
      throw new GraftError('formats.gguf_count', { file, what, count: value ?? '> 2^53', size: this.#size });
    return value;
  }

  /** Text; what is no UTF-8 becomes U+FFFD, as in a vocabulary whose tokens are parts of characters. */
  string(what: string): string {
    const length = this.u64();
    const { file } = this;
    if (length === null || length > this.#size - this.at)
      throw new GraftError('formats.gguf_string', {
        file,
        what,
        length: length ?? '> 2^53',
        size: this.#size,
      });
    return this.#decoder.decode(this.take(length));
  }
}
