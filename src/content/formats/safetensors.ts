import { GraftError } from '../../base/lib/errors.ts';
import { sniff } from '../../base/lib/sniff.ts';
import type { ByteSource } from '../../base/storage/types.ts';
import {
  byOffset,
  clip,
  maxHeaderBytes,
  parseSafetensorsHeader,
  type SafetensorsHeader,
  type TensorInfo,
} from './safetensorsHeader.ts';

export type { TensorInfo } from './safetensorsHeader.ts';

/** An open safetensors file: its header is in memory, its data is read by range when asked for. */
export class SafetensorsFile {
  readonly source: ByteSource;
  /** In the order the header names them, which need not be the order of the data. */
  readonly tensors: Map<string, TensorInfo>;
  readonly metadata: Map<string, string>;
  /** Byte of the file where the data starts. */
  readonly dataStart: number;

  /** Use `openSafetensors`, which checks the header. */
  constructor(source: ByteSource, header: SafetensorsHeader, dataStart: number) {
    this.source = source;
    this.tensors = header.tensors;
    this.metadata = header.metadata;
    this.dataStart = dataStart;
  }

  /** The tensors in the order of their data. */
  inDataOrder(): TensorInfo[] {
    return [...this.tensors.values()].sort(byOffset);
  }

  /** The description of one tensor. Throws `formats.tensor_missing`. */
  get(name: string): TensorInfo {
    const info = this.tensors.get(name);
    if (info === undefined) {
      throw new GraftError('formats.tensor_missing', { tensor: clip(name), file: `“${this.source.name}”` });
    }
    return info;
  }

  /** All bytes of one tensor. Throws `formats.tensor_missing` and what the source throws. */
  async read(name: string): Promise<Uint8Array<ArrayBuffer>> {
    const { begin, end } = this.get(name);
    return this.source.read(this.dataStart + begin, end - begin);
  }

  /** `byteLength` bytes of one tensor from `byteOffset`. Throws `formats.tensor_missing`, `formats.tensor_range`. */
  async readRange(name: string, byteOffset: number, byteLength: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.source.read(this.#offsetOf(name, byteOffset, byteLength), byteLength);
  }

  /** Fills `target` with bytes of one tensor from `byteOffset` on, without a copy where the source can do so. */
  async readInto(name: string, byteOffset: number, target: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.source.readInto(this.#offsetOf(name, byteOffset, target.byteLength), target);
  }

  /** The header exactly as it stands in the file, length and padding included, for byte-exact copies. */
  async readHeader(): Promise<Uint8Array<ArrayBuffer>> {
    return this.source.read(0, this.dataStart);
  }

  /** The file offset of a range of a tensor. */
  #offsetOf(name: string, byteOffset: number, byteLength: number): number {
    const { begin, end } = this.get(name);
    const size = end - begin;
    if (!(byteOffset >= 0 && byteLength >= 0 && byteOffset + byteLength <= size)) {
      const params = { file: this.source.name, begin: byteOffset, end: byteOffset + byteLength, size };
      throw new GraftError('formats.tensor_range', { tensor: clip(name), ...params });
    }
    return this.dataStart + begin + byteOffset;
  }
}

/**
 * Reads and checks the header of a safetensors file, nothing else. The header's length is checked against the file
 * and the format's limit before anything of that size is read. Throws a named `formats.*` error for every broken
 * rule, and `storage.lfs_pointer` or `storage.html_page` for what a failed download leaves instead of weights.
 */
export async function openSafetensors(source: ByteSource): Promise<SafetensorsFile> {
  const { name: file, size } = source;
  const start = await source.read(0, Math.min(8, size));
  const announced = size < 8 ? null : new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true);
  // A length beyond 2^53 is rounded here, but is far above any file's size all the same.
  const length = Number(announced ?? NaN);
  if (!(length <= size - 8 && length <= maxHeaderBytes)) throw await headerError(source, announced);
  const json = await source.read(8, length);
  const header = parseSafetensorsHeader(json, file, size - 8 - length);
  return new SafetensorsFile(source, header, 8 + length);
}

/** Why the first bytes are no header: text instead of weights reads as an absurd length. */
async function headerError(source: ByteSource, announced: bigint | null): Promise<GraftError> {
  const { name: file, size } = source;
  const found = sniff(await source.read(0, Math.min(1024, size)));
  if (found === 'lfs_pointer' || found === 'html_page') return new GraftError(`storage.${found}`, { file });
  if (found !== undefined) return new GraftError('formats.not_safetensors', { file, found });
  if (announced === null) return new GraftError('formats.file_too_short', { file, size });
  const length = String(announced);
  if (announced > size - 8) return new GraftError('formats.header_length', { file, length, size });
  return new GraftError('formats.header_too_large', { file, length, limit: maxHeaderBytes });
}
