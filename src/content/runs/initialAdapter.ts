import { bytesSource } from '../../base/storage/byteSource.ts';
import { MemoryFolder } from '../../base/storage/memoryFolder.ts';
import type { ByteSource } from '../../base/storage/types.ts';
import { readAdapter, writeAdapter, type PeftAdapter } from '../formats/peft.ts';
import { CHUNK_BYTES } from './types.ts';

type RunFile = Pick<ByteSource, 'name' | 'size' | 'read'>;

const prefix = 'initial.';

/** Whether a file of a run is of the adapter that the run began with. */
export const isInitialFile = ({ name }: Pick<RunFile, 'name'>): boolean => name.startsWith(prefix);

/**
 * The adapter that a run begins with as files of the run: those of PEFT's folder, in F32, as `initial.NAME`. Throws what
 * `writeAdapter` throws.
 */
export async function initialAdapterFiles(adapter: PeftAdapter): Promise<ByteSource[]> {
  const folder = new MemoryFolder('initial');
  await writeAdapter(folder, adapter);
  return [...folder.files].map(([file, bytes]) => bytesSource(prefix + file, bytes));
}

/**
 * The adapter that a run began with, from its files, verified by who gives them; null where it began with a fresh one. Throws
 * what `readAdapter` throws.
 */
export async function readInitialAdapter(files: readonly RunFile[]): Promise<PeftAdapter | null> {
  const own = new Map(files.filter(isInitialFile).map((file) => [file.name.slice(prefix.length), file]));
  if (own.size === 0) return null;
  const folder = new MemoryFolder('initial');
  for (const [name, file] of own) folder.files.set(name, await file.read(0, file.size));
  return readAdapter(folder);
}

/** Whether a run with these files began with an adapter of the same bytes. Throws what `writeAdapter` and reading throw. */
export async function isInitialAdapter(files: readonly RunFile[], adapter: PeftAdapter): Promise<boolean> {
  const given = await initialAdapterFiles(adapter);
  const own = files.filter(isInitialFile);
  if (own.length !== given.length) return false;
  for (const file of given) {
    const found = own.find(({ name }) => name === file.name);
    if (found?.size !== file.size) return false;
    for (let at = 0; at < file.size; at += CHUNK_BYTES) {
      const length = Math.min(CHUNK_BYTES, file.size - at);
      const [a, b] = await Promise.all([file.read(at, length), found.read(at, length)]);
      if (!a.every((byte, i) => byte === b[i])) return false;
    }
  }
  return true;
}
