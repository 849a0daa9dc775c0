import { blobSource } from './byteSource.ts';
import { checkFileName } from '../lib/fileName.ts';
import { naming } from './storageError.ts';
import type { ByteSink, WritableFolder } from './types.ts';

/** A folder the person has opened through the File System Access API, or any directory handle of OPFS. */
export function directoryHandleFolder(handle: FileSystemDirectoryHandle, name = handle.name): WritableFolder {
  return {
    name,
    async list() {
      return naming('.', name, () => fileNames(handle));
    },
    async open(file) {
      checkFileName(file);
      const found = await naming(file, name, async () => (await handle.getFileHandle(file)).getFile());
      return blobSource(file, found);
    },
    async create(file) {
      checkFileName(file);
      return naming(file, name, () => createWritableSink(handle, file));
    },
    async remove(file) {
      checkFileName(file);
      await naming(file, name, () => handle.removeEntry(file));
    },
  };
}

/** The names of the files (not folders) of a directory handle, sorted. */
export async function fileNames(handle: FileSystemDirectoryHandle): Promise<string[]> {
  const names: string[] = [];
  for await (const [file, entry] of handle.entries()) if (entry.kind === 'file') names.push(file);
  return names.sort();
}

/**
 * A sink over `createWritable`: the browser writes to a swap file and puts it in place on `close`. A name that did
 * not exist before stands empty until then (a handle can't be had otherwise), and goes again on `abort`.
 */
export async function createWritableSink(handle: FileSystemDirectoryHandle, file: string): Promise<ByteSink> {
  const existed = (await fileNames(handle)).includes(file);
  const removeEmpty = async (): Promise<void> => {
    if (!existed) await handle.removeEntry(file).catch(() => undefined);
  };
  const target = await handle.getFileHandle(file, { create: true });
  const writable = await target.createWritable().catch(async (error: unknown) => {
    await removeEmpty();
    throw error;
  });
  let open = true;
  return {
    write: (bytes) => naming(file, handle.name, () => writable.write(bytes)),
    async close() {
      await naming(file, handle.name, () => writable.close());
      open = false;
    },
    async abort() {
      if (!open) return;
      open = false;
      // After a failed write the stream is already errored, and its swap file gone.
      await writable.abort().catch(() => undefined);
      await removeEmpty();
    },
  };
}
