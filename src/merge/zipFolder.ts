import { makeZip } from 'client-zip';
import type { ByteSink, Folder } from '../storage/types.ts';

/** Bytes read at once of a file that goes into the zip. */
const PIECE = 4 * 1024 * 1024;

/**
 * Streams a folder's files as one zip (stored, not compressed: weights do not shrink), all inside a folder
 * `name`, so that unpacking it anywhere gives the folder back.
 * @param onProgress bytes of files put in so far, of all
 */
export async function zipFolder(
  folder: Folder,
  name: string,
  sink: ByteSink,
  onProgress?: (done: number, total: number) => void,
): Promise<void> {
  const sources = await Promise.all((await folder.list()).map((file) => folder.open(file)));
  const total = sources.reduce((sum, source) => sum + source.size, 0);
  let done = 0;
  async function* bytesOf(source: (typeof sources)[number]) {
    for (let at = 0; at < source.size; at += PIECE) {
      const piece = await source.read(at, Math.min(PIECE, source.size - at));
      yield piece;
      onProgress?.((done += piece.byteLength), total);
    }
  }
  const lastModified = new Date();
  const entries = sources.map((source) => ({
    name: `${name}/${source.name}`,
    input: bytesOf(source),
    size: source.size,
    lastModified,
  }));
  const reader = makeZip(entries).getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      await sink.write(next.value as Uint8Array<ArrayBuffer>);
    }
    await sink.close();
  } catch (error) {
    await sink.abort();
    throw error;
  }
}
