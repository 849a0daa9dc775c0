import { GraftError, messageOf } from '../../../base/lib/errors.ts';
import { unpackLimits } from '../../../base/lib/unpackLimits.ts';

/** The compressed forms that are read. */
export type Compression = 'gzip' | 'zstd';

/** Some bytes of a compressed file, and how many of the file were read so far. */
export interface Unpacked {
  bytes: Uint8Array<ArrayBuffer>;
  read: number;
}

/** Passes on what is unpacked while it keeps to the limits. Throws `data.unpack_bomb`. */
export async function* bounded(file: string, pieces: AsyncIterable<Unpacked>): AsyncGenerator<Unpacked> {
  let total = 0;
  for await (const piece of pieces) {
    total += piece.bytes.length;
    checkUnpacked(file, total, piece.read);
    yield piece;
  }
}

/** Throws `data.unpack_bomb` for more bytes than a file of that size may unpack to. */
export function checkUnpacked(file: string, total: number, read: number): void {
  const tooDense = total > unpackLimits.ratioFrom && total > unpackLimits.ratio * Math.max(1, read);
  if (!tooDense && total <= unpackLimits.bytes) return;
  throw new GraftError('data.unpack_bomb', {
    file,
    size: Math.ceil(total / 2 ** 20),
    read: Math.ceil(read / 2 ** 10),
  });
}

/** The compression of a file by its first bytes; null for anything else. */
export function compressionOf(head: Uint8Array): Compression | null {
  const starts = (...bytes: number[]) => bytes.every((byte, at) => head[at] === byte);
  if (starts(0x1f, 0x8b, 0x08)) return 'gzip';
  const skippable = head[0]! >> 4 === 5 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18;
  return starts(0x28, 0xb5, 0x2f, 0xfd) || skippable ? 'zstd' : null;
}

/** `data.unpack_failed` for a file whose compressed bytes are no good. */
export function unpackError(file: string, compression: Compression | 'zip', cause: unknown): GraftError {
  const detail = messageOf(cause).slice(0, 200);
  const command = { gzip: 'gunzip', zstd: 'unzstd', zip: 'unzip' }[compression];
  return new GraftError('data.unpack_failed', { file, compression, detail, command }, { cause });
}
