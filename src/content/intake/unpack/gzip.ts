import { GraftError } from '../../../base/lib/errors.ts';
import type { ByteSource } from '../../../base/storage/types.ts';
import { unpackError, type Unpacked } from './unpacked.ts';

/** Read from the file at once. */
const READ_BYTES = 1 << 20;
/** Given to the browser at once: a thousand times as much may come out before anything can stop it. */
const FEED_BYTES = 16 << 10;

/**
 * Unpacks a part of a file by the browser's own (and Node's) DecompressionStream, which checks sums and lengths too.
 * Throws `data.unpack_failed`, and what reading throws.
 * @param format `deflate-raw` for files in a zip
 */
export async function* inflate(
  source: ByteSource,
  format: 'gzip' | 'deflate-raw',
  from = 0,
  to = source.size,
): AsyncGenerator<Unpacked> {
  const { readable, writable } = new DecompressionStream(format);
  const writer = writable.getWriter();
  const reader = readable.getReader();
  let read = 0;
  const feed = (async () => {
    try {
      for (let at = from; at < to; at += READ_BYTES) {
        const bytes = await source.read(at, Math.min(READ_BYTES, to - at));
        for (let start = 0; start < bytes.length; start += FEED_BYTES) {
          const part = bytes.subarray(start, start + FEED_BYTES);
          read += part.length;
          await writer.write(part);
        }
      }
      await writer.close();
    } catch (error) {
      // Of the file: otherwise the reader would wait forever. What the stream refuses has ended it already.
      await writer.abort(error).catch(() => undefined);
      throw error;
    }
  })();
  // Reported by the reader.
  feed.catch(() => undefined);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      yield { bytes: value as Uint8Array<ArrayBuffer>, read };
    }
    await feed;
  } catch (error) {
    throw error instanceof GraftError
      ? error
      : unpackError(source.name, format === 'gzip' ? 'gzip' : 'zip', error);
  } finally {
    // Ends the feeding where not all of it was wanted.
    await reader.cancel().catch(() => undefined);
  }
}
