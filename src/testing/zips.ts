import { bytesSource } from '../base/storage/byteSource.ts';
import { concatBytes } from '../base/lib/bytes.ts';
import { createCrc32, takeCrc32 } from '../base/lib/crc32.ts';
import { contentAt, readZipDirectory } from '../content/formats/zipReader.ts';
import { centralHeader, localHeader, zipEnd } from '../content/formats/zipRecords.ts';

/** A file in a zip. */
export interface ZipPart {
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** The files of a zip. */
export async function partsOf(zip: Uint8Array): Promise<ZipPart[]> {
  const source = bytesSource('a.zip', zip);
  const parts: ZipPart[] = [];
  for (const entry of (await readZipDirectory(source))!) {
    const at = (await contentAt(source, entry))!;
    parts.push({ name: entry.name, bytes: await source.read(at, entry.size) });
  }
  return parts;
}

/** A zip of files, with the checksums they need. */
export async function zipOf(parts: readonly ZipPart[]): Promise<Uint8Array<ArrayBuffer>> {
  const crc = await createCrc32();
  const [pieces, central]: [Uint8Array[], Uint8Array[]] = [[], []];
  let offset = 0;
  for (const { name, bytes } of parts) {
    const sum = takeCrc32(crc.update(bytes));
    const record = {
      name: new TextEncoder().encode(name),
      size: bytes.byteLength,
      crc: sum,
      offset,
      modified: 0,
    };
    pieces.push(localHeader(record), bytes);
    central.push(centralHeader(record));
    offset += pieces.at(-2)!.byteLength + bytes.byteLength;
  }
  const directory = concatBytes(central);
  return concatBytes([...pieces, directory, zipEnd(parts.length, directory.byteLength, offset)]);
}
