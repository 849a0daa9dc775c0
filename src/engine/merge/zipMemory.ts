import type { MemoryFolder } from '../../base/storage/memoryFolder.ts';
import { zipBlob } from './zipBlob.ts';

/** The files of a folder in memory as a zip, in a folder of the same name. */
export function zipMemory({ name, files }: MemoryFolder): Promise<Blob> {
  const entries = [...files].map(([file, bytes]) => ({ name: file, blob: new Blob([bytes]), crc: null }));
  return zipBlob(entries, name);
}
