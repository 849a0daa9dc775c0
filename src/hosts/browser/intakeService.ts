import { blobSource } from '../../base/storage/byteSource.ts';
import { nameOf } from '../../content/intake/items.ts';
import { canJoin, describePart, joinedRows } from '../../content/intake/joinData.ts';
import { sniffFiles } from '../../content/intake/sniff.ts';
import { filesOfZip, type ZipFile } from '../../content/intake/unpack/zipFiles.ts';
import type { IntakeApi } from './intakeProtocol.ts';

/** Bytes of a blob: the browser may move each to disk. */
const BLOB_BYTES = 8 << 20;

const sourceOf = (file: File) => blobSource(file.name, file);

/** Names what is dropped, in the data worker. */
export function createIntakeService(): IntakeApi {
  return {
    sniffFiles: (files) =>
      sniffFiles(files.map(({ path, file }) => ({ path, source: blobSource(nameOf(path), file) }))),
    async unzip(zip, paths) {
      const entries = await filesOfZip(sourceOf(zip));
      const wanted = paths.map((path) => entries.find((entry) => entry.path === path)!);
      const files: File[] = [];
      for (const entry of wanted) files.push(await fileOf(zip, entry));
      return files;
    },
    async describeData(files) {
      const parts = [];
      for (const file of files) parts.push(await describePart(sourceOf(file)));
      return { parts, joinable: canJoin(parts) };
    },
    async joinData(files, name) {
      const blobs = await blobsOf(joinedRows(files.map(sourceOf)));
      return new File(blobs, name);
    },
  };
}

async function fileOf(zip: File, entry: ZipFile): Promise<File> {
  const name = nameOf(entry.path);
  const at = await entry.storedAt();
  // Weights of many gigabytes are not copied to be read.
  if (at !== null) return new File([zip.slice(at, at + entry.size)], name);
  return new File(await blobsOf(entry.bytes()), name);
}

async function blobsOf(pieces: AsyncIterable<Uint8Array<ArrayBuffer> | string>): Promise<Blob[]> {
  const blobs: Blob[] = [];
  let held: (Uint8Array<ArrayBuffer> | string)[] = [];
  let size = 0;
  for await (const piece of pieces) {
    held.push(piece);
    size += piece.length;
    if (size < BLOB_BYTES) continue;
    blobs.push(new Blob(held));
    held = [];
    size = 0;
  }
  return [...blobs, new Blob(held)];
}
