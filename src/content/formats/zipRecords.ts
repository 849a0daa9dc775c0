import { concatBytes } from '../../base/lib/bytes.ts';

/** From here on a size or an offset no longer fits the fields of a plain zip: they say so, and zip64 has them. */
const ZIP64_FROM = 0xffffffff;
/** Fields of 2 bytes have their limit too. */
const ZIP64_ENTRIES = 0xffff;
/** Version 4.5 of the format knows zip64, 2.0 is what stored files need. */
const [VERSION_64, VERSION] = [45, 20];
/** Names are UTF-8. */
const UTF8 = 1 << 11;

/** A stored file of a zip. */
export interface ZipRecord {
  name: Uint8Array;
  size: number;
  crc: number;
  /** Of its local header. */
  offset: number;
  /** Time and date in 32 bits, as MS-DOS stores them. */
  modified: number;
}

/** What stands before a file. */
export function localHeader({ name, size, crc, modified }: ZipRecord): Uint8Array<ArrayBuffer> {
  const large = size >= ZIP64_FROM;
  // Both sizes must be there in a local header.
  const extra = large ? [u16(1), u16(16), u64(size), u64(size)] : [];
  const size32 = u32(large ? ZIP64_FROM : size);
  const version = large ? VERSION_64 : VERSION;
  const fixed = [u32(0x04034b50), u16(version), u16(UTF8), u16(0), u32(modified), u32(crc), size32, size32];
  return concatBytes([...fixed, u16(name.byteLength), u16(lengthOf(extra)), name, ...extra]);
}

/** The entry of a file in the directory at the end. */
export function centralHeader({ name, size, crc, offset, modified }: ZipRecord): Uint8Array<ArrayBuffer> {
  const [large, far] = [size >= ZIP64_FROM, offset >= ZIP64_FROM];
  const values = [...(large ? [u64(size), u64(size)] : []), ...(far ? [u64(offset)] : [])];
  const extra = values.length > 0 ? [u16(1), u16(lengthOf(values)), ...values] : [];
  const size32 = u32(large ? ZIP64_FROM : size);
  const version = u16(values.length > 0 ? VERSION_64 : VERSION);
  const fixed = [u32(0x02014b50), version, version, u16(UTF8), u16(0), u32(modified), u32(crc)];
  const lengths = [u16(name.byteLength), u16(lengthOf(extra)), u16(0)];
  // Disk, internal and external attributes, offset.
  const place = [u16(0), u16(0), u32(0), u32(far ? ZIP64_FROM : offset)];
  return concatBytes([...fixed, size32, size32, ...lengths, ...place, name, ...extra]);
}

/** What stands behind the directory. @param size of the directory, @param offset where it begins */
export function zipEnd(entries: number, size: number, offset: number): Uint8Array<ArrayBuffer> {
  const large = offset >= ZIP64_FROM || size >= ZIP64_FROM || entries >= ZIP64_ENTRIES;
  const record = [u32(0x06064b50), u64(44), u16(VERSION_64), u16(VERSION_64), u32(0), u32(0)];
  const counts = [u64(entries), u64(entries), u64(size), u64(offset)];
  const locator = [u32(0x07064b50), u32(0), u64(offset + size), u32(1)];
  const count = u16(large ? ZIP64_ENTRIES : entries);
  const [size32, offset32] = [u32(large ? ZIP64_FROM : size), u32(large ? ZIP64_FROM : offset)];
  const end = [u32(0x06054b50), u16(0), u16(0), count, count, size32, offset32, u16(0)];
  return concatBytes([...(large ? [...record, ...counts, ...locator] : []), ...end]);
}

/** Time and date in 32 bits, as MS-DOS stores them. */
export function dosTime(date: Date): number {
  const time = (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1);
  const day = ((date.getFullYear() - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate();
  return ((day << 16) | time) >>> 0;
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

function u16(value: number): Uint8Array {
  return numberBytes(2, (view) => view.setUint16(0, value, true));
}

function u32(value: number): Uint8Array {
  return numberBytes(4, (view) => view.setUint32(0, value, true));
}

function u64(value: number): Uint8Array {
  return numberBytes(8, (view) => view.setBigUint64(0, BigInt(value), true));
}

function numberBytes(length: number, put: (view: DataView) => void): Uint8Array {
  const view = new DataView(new ArrayBuffer(length));
  put(view);
  return new Uint8Array(view.buffer);
}
