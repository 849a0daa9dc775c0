import type { ByteSource } from '../../base/storage/types.ts';

/** A file in a zip that is stored as it is. */
export interface StoredEntry {
  name: string;
  size: number;
  crc: number;
  /** Where its local header begins. */
  headerAt: number;
}

/** A file in any zip. */
export interface ZipEntry extends StoredEntry {
  /** How it is compressed: 0 for not at all, 8 for deflate. */
  method: number;
  /** Bytes that it takes in the zip. */
  packedSize: number;
  encrypted: boolean;
}

/** The end record with the longest comment a zip may have. */
const MAX_END = 22 + 0xffff;
/** The largest directory that is read: some hundred thousand files. */
const MAX_DIRECTORY = 64 << 20;

/**
 * The files of a zip that holds nothing but stored files, as zips of our own do; see {@link readZip}. Null for any other, such as
 * one whose files share their bytes: together they would be longer than the zip.
 */
export async function readZipDirectory(zip: ByteSource): Promise<StoredEntry[] | null> {
  const entries = await readZip(zip);
  const bytes = entries?.reduce((sum, { size }) => sum + size, 0) ?? 0;
  return entries?.every(({ method }) => method === 0) && bytes <= zip.size ? entries : null;
}

/** The files of a zip, by its directory (APPNOTE.TXT 6.3, zip64 too). Null where the source is no zip, or is cut off. */
export async function readZip(zip: ByteSource): Promise<ZipEntry[] | null> {
  const tail = await readView(zip, Math.max(0, zip.size - MAX_END), Math.min(zip.size, MAX_END));
  for (let at = tail.byteLength - 22; at >= 0; at--) {
    if (tail.getUint32(at, true) !== 0x06054b50) continue;
    const endAt = zip.size - tail.byteLength + at;
    const { count, size, offset } = await placeOfDirectory(zip, tail, at, endAt);
    if (size > MAX_DIRECTORY || offset + size > endAt) return null;
    return entriesOf(await readView(zip, offset, size), count);
  }
  return null;
}

/**
 * Where a file's bytes begin. Null where there is no header of it, or the zip ends before them.
 * @param size of its bytes there, if they are compressed
 */
export async function contentAt(
  zip: ByteSource,
  { headerAt, size: whole }: StoredEntry,
  size = whole,
): Promise<number | null> {
  if (headerAt + 30 > zip.size) return null;
  const header = await readView(zip, headerAt, 30);
  if (header.getUint32(0, true) !== 0x04034b50) return null;
  const start = headerAt + 30 + header.getUint16(26, true) + header.getUint16(28, true);
  return start + size <= zip.size ? start : null;
}

async function placeOfDirectory(zip: ByteSource, tail: DataView, at: number, endAt: number) {
  const plain = {
    count: tail.getUint16(at + 10, true),
    size: tail.getUint32(at + 12, true),
    offset: tail.getUint32(at + 16, true),
  };
  if (endAt < 20 + 56) return plain;
  const locator = await readView(zip, endAt - 20, 20);
  if (locator.getUint32(0, true) !== 0x07064b50) return plain;
  const recordAt = Number(locator.getBigUint64(8, true));
  if (recordAt + 56 > endAt) return plain;
  const record = await readView(zip, recordAt, 56);
  if (record.getUint32(0, true) !== 0x06064b50) return plain;
  const long = (offset: number): number => Number(record.getBigUint64(offset, true));
  return { count: long(32), size: long(40), offset: long(48) };
}

function entriesOf(view: DataView, count: number): ZipEntry[] | null {
  const entries: ZipEntry[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > view.byteLength || view.getUint32(at, true) !== 0x02014b50) return null;
    const lengths = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    const [nameLength, extraLength] = lengths as [number, number];
    const next = at + 46 + lengths.reduce((sum, length) => sum + length, 0);
    const method = view.getUint16(at + 10, true);
    if (next > view.byteLength) return null;
    const nameBytes = new Uint8Array(view.buffer, view.byteOffset + at + 46, nameLength);
    let [packedSize, size] = [view.getUint32(at + 20, true), view.getUint32(at + 24, true)];
    let headerAt = view.getUint32(at + 42, true);
    const longs = zip64Values(view, at + 46 + nameLength, extraLength);
    // Sizes first, then the offset: only those that did not fit.
    if (size === 0xffffffff) size = longs.shift() ?? size;
    if (packedSize === 0xffffffff) packedSize = longs.shift() ?? packedSize;
    if (headerAt === 0xffffffff) headerAt = longs.shift() ?? headerAt;
    const crc = view.getUint32(at + 16, true);
    const flags = view.getUint16(at + 8, true);
    const name = new TextDecoder().decode(nameBytes);
    entries.push({ name, size, crc, headerAt, method, packedSize, encrypted: (flags & 1) !== 0 });
    at = next;
  }
  return entries;
}

function zip64Values(view: DataView, start: number, length: number): number[] {
  const values: number[] = [];
  for (let at = start; at + 4 <= start + length;) {
    const [id, size] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    if (id === 1) {
      for (let i = at + 4; i + 8 <= Math.min(at + 4 + size, start + length); i += 8) {
        values.push(Number(view.getBigUint64(i, true)));
      }
    }
    at += 4 + size;
  }
  return values;
}

async function readView(zip: ByteSource, offset: number, length: number): Promise<DataView> {
  const bytes = await zip.read(offset, length);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
