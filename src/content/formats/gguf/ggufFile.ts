import { GraftError } from '../../../base/lib/errors.ts';
import { sniff } from '../../../base/lib/sniff.ts';
import type { ByteSource } from '../../../base/storage/types.ts';
import { clip } from '../safetensorsHeader.ts';
import {
  maxGgufHeader,
  NeedsMore,
  parseGgufHeader,
  type GgufHeader,
  type GgufTensor,
  type GgufValue,
} from './ggufHeader.ts';

/** Bytes read at first: keys, and small vocabularies. */
const FIRST_BYTES = 1 << 20;

/** An open GGUF file: its header is in memory, its data is read by range when asked for. */
export class GgufFile {
  readonly source: ByteSource;
  readonly header: GgufHeader;

  /** Use `openGguf`, which checks the header. */
  constructor(source: ByteSource, header: GgufHeader) {
    this.source = source;
    this.header = header;
  }

  get keys(): ReadonlyMap<string, GgufValue> {
    return this.header.keys;
  }

  get tensors(): ReadonlyMap<string, GgufTensor> {
    return this.header.tensors;
  }

  /** `byteLength` bytes of a tensor, as they are stored. Throws `formats.tensor_range`. */
  async readRange(
    tensor: GgufTensor,
    byteOffset: number,
    byteLength: number,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const size = tensor.end - tensor.begin;
    if (!(byteOffset >= 0 && byteLength >= 0 && byteOffset + byteLength <= size)) {
      const params = { file: this.source.name, begin: byteOffset, end: byteOffset + byteLength, size };
      throw new GraftError('formats.tensor_range', { tensor: clip(tensor.name), ...params });
    }
    return this.source.read(this.header.dataStart + tensor.begin + byteOffset, byteLength);
  }

  /** A number of a key; null where there is none. Throws `formats.gguf_value`. */
  number(key: string): number | null {
    return this.#typed(key, 'number') as number | null;
  }

  /** A text of a key; null where there is none. Throws `formats.gguf_value`. */
  text(key: string): string | null {
    return this.#typed(key, 'string') as string | null;
  }

  /** A yes or no of a key; null where there is none. Throws `formats.gguf_value`. */
  flag(key: string): boolean | null {
    return this.#typed(key, 'boolean') as boolean | null;
  }

  /** A list of texts of a key; null where there is none. Throws `formats.gguf_value`. */
  texts(key: string): string[] | null {
    const value = this.keys.get(key);
    if (value === undefined) return null;
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value as string[];
    throw this.badValue(key, 'it is no list of texts');
  }

  /** A list of numbers of a key; null where there is none. Throws `formats.gguf_value`. */
  numbers(key: string): ArrayLike<number> | null {
    const value = this.keys.get(key);
    if (value === undefined) return null;
    if (typeof value === 'object' && !Array.isArray(value)) return value;
    // An empty list of any type.
    if (Array.isArray(value) && value.length === 0) return [];
    throw this.badValue(key, 'it is no list of numbers');
  }

  /** The error of a key with a value that cannot be. */
  badValue(key: string, problem: string): GraftError {
    return new GraftError('formats.gguf_value', { file: this.source.name, key: clip(key), problem });
  }

  #typed(key: string, type: 'number' | 'string' | 'boolean'): GgufValue | null {
    const value = this.keys.get(key);
    if (value === undefined) return null;
    if (typeof value !== type) throw this.badValue(key, `it is no ${type}`);
    return value;
  }
}

/**
 * Reads and checks the header of a GGUF file (version 2 or 3, little-endian), and nothing else: as much of the file as
 * the header takes, at most doubled. Throws `formats.gguf_*` for every broken rule, and `storage.lfs_pointer` or
 * `storage.html_page` for what a failed download leaves.
 */
export async function openGguf(source: ByteSource): Promise<GgufFile> {
  const { name: file, size } = source;
  let wanted = FIRST_BYTES;
  for (;;) {
    const bytes = await source.read(0, Math.min(wanted, size, maxGgufHeader));
    const found = wanted === FIRST_BYTES ? sniff(bytes.subarray(0, 1024)) : undefined;
    if (found === 'lfs_pointer' || found === 'html_page') throw new GraftError(`storage.${found}`, { file });
    try {
      return new GgufFile(source, parseGgufHeader(bytes, file, size));
    } catch (error) {
      if (!(error instanceof NeedsMore)) throw error;
      wanted = Math.max(2 * wanted, error.bytes);
    }
  }
}
