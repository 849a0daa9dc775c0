import { createCRC32 } from 'hash-wasm';
import { centralHeader, dosTime, localHeader, zipEnd, type ZipRecord } from '../formats/zipRecords.ts';
import { concatBytes } from '../lib/bytes.ts';
import { pieces } from './outputTensor.ts';

/** A file to be put into a zip, where its bytes are. */
export interface ZipEntry {
  name: string;
  blob: Blob;
  /** Its CRC-32; null has it computed, which reads the file. */
  crc: number | null;
}

/**
 * A zip of stored entries (weights do not shrink) made of its files where they lie: only what stands between them is
 * new, so it takes no space and no time, and holds as long as the files stay as they are. Format: APPNOTE.TXT 6.3.
 * @param folder all files stand inside a folder of this name
 */
export async function zipBlob(
  entries: readonly ZipEntry[],
  folder: string,
  modified = new Date(),
): Promise<Blob> {
  const parts: Blob[] = [];
  const central: Uint8Array[] = [];
  let offset = 0;
  for (const { name, blob, crc } of entries) {
    const file: ZipRecord = {
      name: new TextEncoder().encode(`${folder}/${name}`),
      size: blob.size,
      crc: crc ?? (await crcOf(blob)),
      offset,
      modified: dosTime(modified),
    };
    const header = localHeader(file);
    parts.push(new Blob([header]), blob);
    central.push(centralHeader(file));
    offset += header.byteLength + blob.size;
  }
  const directory = concatBytes(central);
  return new Blob([...parts, directory, zipEnd(entries.length, directory.byteLength, offset)], {
    type: 'application/zip',
  });
}

async function crcOf(blob: Blob): Promise<number> {
  const hasher = await createCRC32();
  const read = async (at: number, length: number) =>
    new Uint8Array(await blob.slice(at, at + length).arrayBuffer());
  for await (const bytes of pieces(blob.size, read)) hasher.update(bytes);
  return Number.parseInt(hasher.digest('hex'), 16);
}
