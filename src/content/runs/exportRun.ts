import { fileNameOf } from '../../base/lib/fileName.ts';
import { createCrc32, takeCrc32 } from '../../base/lib/crc32.ts';
import { centralHeader, dosTime, localHeader, zipEnd, type ZipRecord } from '../formats/zipRecords.ts';
import { concatBytes } from '../../base/lib/bytes.ts';
import { chunksOf, type ChunkStore, type StoredFile } from './chunkStore.ts';
import { curvesFile } from './curveLog.ts';
import { chunkFolder, type StoredRun } from './storedRun.ts';
import type { RunStore } from './runStore.ts';

/** Names in an exported run. */
export const headerFile = 'graft-run.json';
export const checkpointsFile = 'checkpoints.json';

/** A whole run as one file: a zip of its header, its curves, its checkpoints and its data, made piece by piece. */
export interface RunArchive {
  /** `name.graft-run.zip`. */
  name: string;
  /** Bytes of the whole, known beforehand. */
  size: number;
  /** The file from front to back; at most a chunk is in memory. Throws `runs.damaged` where one is not intact. */
  pieces(): AsyncGenerator<Uint8Array<ArrayBuffer>>;
}

/**
 * Exports a run as it is now, also one that another tab owns. It must not change until the last piece was taken: its
 * owner pauses meanwhile.
 */
export async function archiveOf(run: StoredRun): Promise<RunArchive> {
  const { header, checkpoints, curves, files, chunks } = await run.parts();
  const text = (value: unknown): Uint8Array<ArrayBuffer> =>
    new TextEncoder().encode(`${JSON.stringify(value, null, 1)}\n`);
  const whole = (bytes: Uint8Array<ArrayBuffer>) => ({ size: bytes.byteLength, read: async () => bytes });
  const folder = fileNameOf(header.name) || 'run';
  const parts = [
    { name: headerFile, ...whole(text(header)) },
    { name: checkpointsFile, ...whole(text({ checkpoints })) },
    { name: curvesFile, ...whole(curves) },
    ...chunkParts(files, chunks),
  ].map((part) => ({ ...part, name: new TextEncoder().encode(`${folder}/${part.name}`) }));
  const record = { crc: 0, offset: 0, modified: dosTime(new Date(header.changedAt)) };
  // The headers' lengths do not depend on their values, except for offsets beyond 4 GB.
  let size = 0;
  const places = parts.map((part) => {
    const offset = size;
    size += localHeader({ ...record, ...part }).byteLength + part.size;
    return centralHeader({ ...record, ...part, offset }).byteLength;
  });
  const directoryBytes = places.reduce((sum, length) => sum + length, 0);
  const end = zipEnd(parts.length, directoryBytes, size);
  return {
    name: `${folder}.graft-run.zip`,
    size: size + directoryBytes + end.byteLength,
    async *pieces() {
      const crc = await createCrc32();
      const central: Uint8Array[] = [];
      let offset = 0;
      for (const part of parts) {
        const bytes = await part.read();
        const sum = takeCrc32(crc.update(bytes));
        const entry: ZipRecord = { ...record, name: part.name, size: part.size, crc: sum, offset };
        const head = localHeader(entry);
        yield head;
        yield bytes;
        central.push(centralHeader(entry));
        offset += head.byteLength + part.size;
      }
      yield concatBytes(central);
      yield end;
    },
  };
}

/**
 * Exports a stored run as a file, whose bytes the browser may keep on disk. Throws `runs.not_found`, `runs.header_damaged`,
 * `runs.damaged`.
 */
export async function exportRun(store: RunStore, id: string): Promise<File> {
  const { name, pieces } = await archiveOf(await store.look(id));
  const blobs: Blob[] = [];
  // A blob for each piece, so that the memory it was in is free again.
  for await (const piece of pieces()) blobs.push(new Blob([piece]));
  return new File(blobs, name, { type: 'application/zip' });
}

function chunkParts(files: readonly StoredFile[], chunks: ChunkStore) {
  const sizes = chunksOf(files);
  const wanted = new Set(sizes.keys());
  return files.flatMap((file) =>
    file.chunks.flatMap((name, index) =>
      wanted.delete(name)
        ? [{ name: `${chunkFolder}/${name}`, size: sizes.get(name)!, read: () => chunks.chunk(file, index) }]
        : [],
    ),
  );
}
