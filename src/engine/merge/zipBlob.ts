import { createCrc32, takeCrc32 } from '../../base/lib/crc32.ts';
import {
  centralHeader,
  dosTime,
  localHeader,
  zipEnd,
  type ZipRecord,
} from '../../content/formats/zipRecords.ts';
import { concatBytes } from '../../base/lib/bytes.ts';
import { pieces } from './outputTensor.ts';

/** A file to be added to a zip. */
export interface ZipEntry {
  name: string;
  blob: Blob;
  /** Its CRC-32; if null it is computed, which reads the file. */
  crc: number | null;
}

/**
 * A zip of stored entries (weights do not compress) that refers to its files: only the bytes between them are new, so
 * it takes no space and no time, and is valid as long as the files are unchanged. Format: APPNOTE.TXT 6.3.
 * @param folder name of the folder inside the zip that contains all files
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
  const hasher = await createCrc32();
  const read = async (at: number, length: number) =>
    new Uint8Array(await blob.slice(at, at + length).arrayBuffer());
  for await (const bytes of pieces(blob.size, read)) hasher.update(bytes);
  return takeCrc32(hasher);
}
