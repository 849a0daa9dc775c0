import { createCrc32, takeCrc32 } from '../../../base/lib/crc32.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { unpackLimits } from '../../../base/lib/unpackLimits.ts';
import { checkRange, copyingSource, renamedSource } from '../../../base/storage/byteSource.ts';
import type { ByteSource } from '../../../base/storage/types.ts';
import { contentAt, readZip, type ZipEntry } from '../../formats/zipReader.ts';
import { inflate } from './gzip.ts';
import { sequentialSource } from './readable.ts';
import { bounded, checkUnpacked, unpackError } from './unpacked.ts';

/** A file of a zip. */
export interface ZipFile {
  /** With slashes, as the zip has it. */
  path: string;
  size: number;
  crc: number;
  /** Where its bytes are in the zip; null where they have to be unpacked. */
  storedAt(): Promise<number | null>;
  /** Reads it, unpacking on the way; bytes at the front without the rest. */
  source: ByteSource;
  /** All of its bytes in order, checked against its sum at the end. Throws `data.unpack_failed`, `data.unpack_bomb`. */
  bytes(): AsyncGenerator<Uint8Array<ArrayBuffer>>;
}

const [STORED, DEFLATED] = [0, 8];
const PIECE_BYTES = 1 << 20;
/** What a Mac and Windows put beside files, which nobody means. */
const CLUTTER = /(^|\/)(__MACOSX\/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$)/i;

/**
 * The files of a zip, stored or deflated; folders and what operating systems add are left out. Nothing is unpacked yet,
 * but paths, methods, sizes and places are checked.
 * Throws `data.zip_broken`, `data.zip_path`, `data.zip_method`, `data.zip_encrypted`, `data.unpack_bomb`.
 */
export async function filesOfZip(zip: ByteSource): Promise<ZipFile[]> {
  const file = zip.name;
  const broken = () => new GraftError('data.zip_broken', { file });
  const all = await readZip(zip);
  if (!all) throw broken();
  const entries = all.filter(({ name }) => !name.endsWith('/') && !CLUTTER.test(name));
  if (entries.length > unpackLimits.entries) {
    throw new GraftError('data.zip_too_many', { file, count: entries.length, limit: unpackLimits.entries });
  }
  const names = new Set<string>();
  for (const entry of entries) {
    checkEntry(file, entry);
    if (names.has(entry.name)) throw new GraftError('data.zip_path', { file, path: entry.name });
    names.add(entry.name);
  }
  checkTogether(file, zip.size, entries);
  return entries.map((entry) => zipFile(zip, entry));
}

function checkEntry(file: string, { name, method, encrypted, size, packedSize }: ZipEntry): void {
  if (encrypted) throw new GraftError('data.zip_encrypted', { file, path: name });
  if (method !== STORED && method !== DEFLATED) {
    throw new GraftError('data.zip_method', { file, path: name, method });
  }
  // Paths that leave the folder, or mean another one elsewhere.
  const parts = name.split('/');
  const isSafe = !/[\\\0]|^[a-zA-Z]:/.test(name) && parts.every((part) => !['', '.', '..'].includes(part));
  if (!isSafe) throw new GraftError('data.zip_path', { file, path: name });
  if (method === STORED && size !== packedSize) throw new GraftError('data.zip_broken', { file });
  checkUnpacked(name, size, packedSize);
}

/** No zip has files that share their bytes, except one made to grow a thousand times. */
function checkTogether(file: string, zipSize: number, entries: readonly ZipEntry[]): void {
  const inOrder = [...entries].sort((a, b) => a.headerAt - b.headerAt);
  let end = 0;
  for (const { headerAt, packedSize } of inOrder) {
    if (headerAt < end) throw new GraftError('data.zip_broken', { file });
    end = headerAt + 30 + packedSize;
  }
  if (end > zipSize) throw new GraftError('data.zip_broken', { file });
}

function zipFile(zip: ByteSource, entry: ZipEntry): ZipFile {
  const { name, size, crc, method, packedSize } = entry;
  const place = async (): Promise<number> => {
    const at = await contentAt(zip, entry, packedSize);
    if (at === null) throw new GraftError('data.zip_broken', { file: zip.name });
    return at;
  };
  const pieces = async function* () {
    const at = await place();
    if (method === DEFLATED) {
      const named = renamedSource(zip, name);
      for await (const { bytes } of bounded(name, inflate(named, 'deflate-raw', at, at + packedSize)))
        yield { bytes };
      return;
    }
    for (let done = 0; done < size; done += PIECE_BYTES)
      yield { bytes: await zip.read(at + done, Math.min(PIECE_BYTES, size - done)) };
  };
  const stored = copyingSource({
    name,
    size,
    async read(offset, length) {
      checkRange({ name, size }, offset, length);
      return zip.read((await place()) + offset, length);
    },
  });
  return {
    path: name,
    size,
    crc,
    storedAt: async () => (method === STORED ? place() : null),
    source: method === STORED ? stored : sequentialSource(name, size, pieces),
    async *bytes() {
      const hasher = await createCrc32();
      let total = 0;
      for await (const { bytes } of pieces()) {
        total += bytes.length;
        if (total > size) break;
        hasher.update(bytes);
        yield bytes;
      }
      if (total !== size || takeCrc32(hasher) !== crc)
        throw unpackError(name, 'zip', new Error('its checksum is wrong'));
    },
  };
}
