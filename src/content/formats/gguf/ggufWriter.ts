import { concatBytes } from '../../../base/lib/bytes.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { exactProduct } from '../dtypes.ts';
import { clip } from '../safetensorsHeader.ts';
import { ggmlType, type GgmlTypeName } from './ggmlTypes.ts';
import { valueTypes } from './ggufHeader.ts';

type ScalarType = Exclude<keyof typeof valueTypes, 'array' | 'i64' | 'u64' | 'i8' | 'i16' | 'u8' | 'f64'>;

/** A key to be written, with the type of its value or of its items. */
export type GgufKey =
  | { key: string; type: ScalarType; value: number | string | boolean }
  | { key: string; type: ScalarType; list: ArrayLike<number> | readonly string[] };

/** A tensor to be written; its shape is PyTorch's. */
export interface GgufEntry {
  name: string;
  type: GgmlTypeName;
  shape: readonly number[];
}

/** A GGUF file before its data, in the order of its tensors; each takes `byteLength` bytes, padding included. */
export interface GgufLayout {
  header: Uint8Array<ArrayBuffer>;
  tensors: { name: string; byteLength: number }[];
  totalBytes: number;
}

/** What tensors are aligned to, as where a file says nothing else. */
const ALIGNMENT = 32;

/** Bytes of a tensor in a type, without padding. Throws `formats.write_entry` where its rows are no whole blocks. */
export function ggufTensorBytes({ name, type, shape }: GgufEntry, file = '?'): number {
  const { block, bytes } = ggmlType(type);
  const elements = exactProduct(shape);
  if (elements === undefined || (shape.at(-1) ?? 1) % block !== 0) {
    const problem = `its shape is no whole number of blocks of ${type}`;
    throw new GraftError('formats.write_entry', { file, tensor: clip(name), problem });
  }
  return (elements / block) * bytes;
}

/** What a size takes with its padding. */
export function aligned(size: number): number {
  return Math.ceil(size / ALIGNMENT) * ALIGNMENT;
}

/**
 * Lays out a file (GGUF version 3, little-endian) as gguf-py writes it: keys and tensors in their order, the data of each
 * tensor padded to 32 bytes. Throws `formats.write_entry` for a name that is there twice and for impossible shapes.
 */
export function ggufLayout(keys: readonly GgufKey[], entries: readonly GgufEntry[], file = '?'): GgufLayout {
  const bytes = new Bytes();
  bytes.text('GGUF');
  bytes.u32(3);
  bytes.u64(entries.length);
  bytes.u64(keys.length);
  for (const key of keys) putKey(bytes, key);
  const names = new Set<string>();
  let offset = 0;
  const tensors = entries.map((entry) => {
    const { name, type, shape } = entry;
    if (names.has(name)) {
      const problem = 'it appears twice';
      throw new GraftError('formats.write_entry', { file, tensor: clip(name), problem });
    }
    names.add(name);
    bytes.string(name);
    bytes.u32(shape.length);
    for (const size of shape.toReversed()) bytes.u64(size);
    bytes.u32(ggmlType(type).id);
    bytes.u64(offset);
    const byteLength = aligned(ggufTensorBytes(entry, file));
    offset += byteLength;
    return { name, byteLength };
  });
  bytes.pad(ALIGNMENT);
  const header = bytes.take();
  return { header, tensors, totalBytes: header.byteLength + offset };
}

function putKey(bytes: Bytes, entry: GgufKey): void {
  bytes.string(entry.key);
  if ('value' in entry) {
    bytes.u32(valueTypes[entry.type]);
    putValue(bytes, entry.type, entry.value);
    return;
  }
  bytes.u32(valueTypes.array);
  bytes.u32(valueTypes[entry.type]);
  bytes.u64(entry.list.length);
  for (let i = 0; i < entry.list.length; i++) putValue(bytes, entry.type, entry.list[i]!);
}

function putValue(bytes: Bytes, type: ScalarType, value: number | string | boolean): void {
  switch (type) {
    case 'string':
      return bytes.string(String(value));
    case 'bool':
      return bytes.u8(value === true ? 1 : 0);
    case 'u16':
      return bytes.u16(Number(value));
    case 'u32':
    case 'i32':
      return bytes.u32(Number(value));
    case 'f32':
      return bytes.f32(Number(value));
  }
}

/** Bytes that grow as they are written. */
class Bytes {
  #bytes = new Uint8Array(1 << 16);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;
  readonly #encoder = new TextEncoder();

  u8(value: number): void {
    // Making room replaces the view.
    const at = this.#room(1);
    this.#view.setUint8(at, value);
  }

  u16(value: number): void {
    const at = this.#room(2);
    this.#view.setUint16(at, value, true);
  }

  /** Also for negative numbers of 32 bits. */
  u32(value: number): void {
    const at = this.#room(4);
    this.#view.setUint32(at, value, true);
  }

  u64(value: number): void {
    const at = this.#room(8);
    this.#view.setBigUint64(at, BigInt(value), true);
  }

  f32(value: number): void {
    const at = this.#room(4);
    this.#view.setFloat32(at, value, true);
  }

  string(text: string): void {
    const encoded = this.#encoder.encode(text);
    this.u64(encoded.byteLength);
    this.#put(encoded);
  }

  /** Plain letters, without a length. */
  text(letters: string): void {
    this.#put(this.#encoder.encode(letters));
  }

  pad(multiple: number): void {
    this.#put(new Uint8Array((multiple - (this.#at % multiple)) % multiple));
  }

  take(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#at);
  }

  #put(bytes: Uint8Array): void {
    const at = this.#room(bytes.byteLength);
    this.#bytes.set(bytes, at);
  }

  #room(length: number): number {
    const at = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.byteLength) {
      this.#bytes = concatBytes([this.#bytes, new Uint8Array(Math.max(this.#bytes.byteLength, length))]);
      this.#view = new DataView(this.#bytes.buffer);
    }
    return at;
  }
}
