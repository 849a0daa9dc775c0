import { concatBytes } from '../../../base/lib/bytes.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { serial } from '../../../base/lib/serial.ts';
import { unpackLimits } from '../../../base/lib/unpackLimits.ts';
import { bytesSource, checkRange, copyingSource } from '../../../base/storage/byteSource.ts';
import type { ByteSource } from '../../../base/storage/types.ts';
import { inflate } from './gzip.ts';
import { bounded, compressionOf, type Compression, type Unpacked } from './unpacked.ts';
import { unzstd } from './zstd.ts';

/** Bytes at the start of a file by which it is recognized. */
const HEAD_BYTES = 64;

/**
 * A data file as it is inside its compression (gzip, zstd, one in the other), under the same name; anything else is
 * returned as it is. The whole file is unpacked once, which shows that it is intact and how long it is.
 * Throws `data.unpack_failed`, `data.unpack_bomb`, `data.unpack_window`, `data.unpack_parquet`, and what reading throws.
 */
export async function readableSource(
  source: ByteSource,
  onProgress?: (done: number, total: number) => void,
): Promise<ByteSource> {
  let inner = source;
  for (let layer = 0; layer < unpackLimits.layers; layer++) {
    const head = await inner.read(0, Math.min(HEAD_BYTES, inner.size));
    const compression = compressionOf(head);
    if (compression === null) return inner;
    inner = await unpacked(inner, compression, onProgress);
  }
  return inner;
}

/** The first bytes of a file inside its compression, without reading more of it than that takes. */
export async function unpackedHead(source: ByteSource, length: number): Promise<Uint8Array<ArrayBuffer>> {
  let head = await source.read(0, Math.min(length, source.size));
  const compression = compressionOf(head);
  if (compression === null) return head;
  head = new Uint8Array(0);
  for await (const { bytes } of bounded(source.name, piecesOf(source, compression))) {
    head = concatBytes([head, bytes]);
    if (head.length >= length) break;
  }
  return head.subarray(0, length);
}

function piecesOf(source: ByteSource, compression: Compression): AsyncGenerator<Unpacked> {
  return compression === 'gzip' ? inflate(source, 'gzip') : unzstd(source);
}

async function unpacked(
  source: ByteSource,
  compression: Compression,
  onProgress?: (done: number, total: number) => void,
): Promise<ByteSource> {
  const { name: file } = source;
  let size = 0;
  let held: Uint8Array<ArrayBuffer>[] = [];
  let limit: number = unpackLimits.heldBytes;
  for await (const { bytes, read } of bounded(file, piecesOf(source, compression))) {
    if (size < 4 && isParquet(concatBytes([...held, bytes]))) limit = unpackLimits.heldParquetBytes;
    size += bytes.length;
    held.push(bytes);
    if (size > limit) {
      if (limit === unpackLimits.heldParquetBytes) throw new GraftError('data.unpack_parquet', { file });
      held = [];
    }
    onProgress?.(read, source.size);
  }
  if (size <= limit) return bytesSource(file, concatBytes(held));
  const { version } = source;
  const inner = sequentialSource(file, size, () => bounded(file, piecesOf(source, compression)));
  return { ...inner, ...(version !== undefined && { version }) };
}

function isParquet(head: Uint8Array): boolean {
  return [0x50, 0x41, 0x52, 0x31].every((byte, at) => head[at] === byte);
}

/**
 * A source over bytes that can only be made from front to back: reading on goes on where it was, reading back begins
 * anew. @param start makes the bytes from the beginning
 */
export function sequentialSource(
  name: string,
  size: number,
  start: () => AsyncGenerator<{ bytes: Uint8Array<ArrayBuffer> }>,
): ByteSource {
  const inTurn = serial();
  let pieces = start();
  let at = 0;
  let piece: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  const next = async (): Promise<void> => {
    at += piece.length;
    const { done, value } = await pieces.next();
    // It was so long before: it has changed since.
    if (done) throw new GraftError('storage.short_read', { file: name, size: at, offset: at, end: size });
    piece = value.bytes;
  };

  return copyingSource({
    name,
    size,
    read: (offset, length) =>
      inTurn(async () => {
        checkRange({ name, size }, offset, length);
        if (offset < at) {
          await pieces.return(undefined);
          pieces = start();
          at = 0;
          piece = new Uint8Array(0);
        }
        const out = new Uint8Array(length);
        for (let done = 0; done < length;) {
          const from = offset + done - at;
          if (from >= piece.length) {
            await next();
            continue;
          }
          const part = piece.subarray(from, from + length - done);
          out.set(part, done);
          done += part.length;
        }
        return out;
      }),
    async release() {
      await inTurn(() => pieces.return(undefined));
      pieces = start();
      at = 0;
      piece = new Uint8Array(0);
    },
  });
}
