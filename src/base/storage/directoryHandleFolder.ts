import { GraftError } from '../lib/errors.ts';
import { blobSource } from './byteSource.ts';
import { checkFileName } from '../lib/fileName.ts';
import { isFolderLock } from './ownedFolder.ts';
import { naming } from './storageError.ts';
import type { ByteSink, WritableFolder } from './types.ts';

/** A folder that the user opened through the File System Access API, or any directory handle of OPFS. */
export function directoryHandleFolder(handle: FileSystemDirectoryHandle, name = handle.name): WritableFolder {
  // Empty placeholders of files being written, which the browser lists.
  const unfinished = new Set<string>();
  return {
    name,
    async list() {
      const names = await naming('.', name, () => fileNames(handle));
      return names.filter((file) => !unfinished.has(file));
    },
    async open(file) {
      checkFileName(file);
      if (unfinished.has(file)) throw new GraftError('storage.not_found', { file, folder: name });
      const found = await naming(file, name, async () => (await handle.getFileHandle(file)).getFile());
      return { ...blobSource(file, found), version: `changed ${found.lastModified}` };
    },
    async inner(folder) {
      checkFileName(folder);
      for await (const [found, entry] of handle.entries()) {
        if (found === folder && entry.kind === 'directory')
          return directoryHandleFolder(await handle.getDirectoryHandle(folder));
      }
      return null;
    },
    async create(file) {
      checkFileName(file);
      return naming(file, name, () => createWritableSink(handle, file, unfinished));
    },
    async remove(file) {
      checkFileName(file);
      await naming(file, name, () => handle.removeEntry(file));
    },
  };
}

/** The sorted names of the files (not folders) of a directory handle, without Chromium's swap files and the folder's lock. */
export async function fileNames(handle: FileSystemDirectoryHandle): Promise<string[]> {
  const names: string[] = [];
  for await (const [file, entry] of handle.entries()) {
    if (entry.kind === 'file' && !file.endsWith('.crswap') && !isFolderLock(file)) names.push(file);
  }
  return names.sort();
}

/**
 * A sink over `createWritable`: the browser writes to a swap file and moves it into place on `close`. A handle for a
 * new name creates an empty file, which is listed in `unfinished` until `close` and removed on `abort`.
 */
async function createWritableSink(
  handle: FileSystemDirectoryHandle,
  file: string,
  unfinished: Set<string>,
): Promise<ByteSink> {
  const existed = (await fileNames(handle)).includes(file) && !unfinished.has(file);
  if (!existed) unfinished.add(file);
  const giveUp = async (): Promise<void> => {
    if (!existed) await handle.removeEntry(file).catch(() => undefined);
    unfinished.delete(file);
  };
  let writable: FileSystemWritableFileStream;
  try {
    const target = await handle.getFileHandle(file, { create: true });
    writable = await target.createWritable();
  } catch (error) {
    await giveUp();
    throw error;
  }
  let state: 'open' | 'closed' | 'aborted' = 'open';
  const checkOpen = (): void => {
    if (state !== 'open') throw new GraftError('storage.sink_closed', { file });
  };
  return {
    async write(bytes) {
      checkOpen();
      await naming(file, handle.name, () => writable.write(bytes));
    },
    async close() {
      checkOpen();
      await naming(file, handle.name, () => writable.close());
      state = 'closed';
      unfinished.delete(file);
    },
    async abort() {
      if (state !== 'open') return;
      state = 'aborted';
      // After a failed write the stream is already errored, and its swap file gone.
      await writable.abort().catch(() => undefined);
      await giveUp();
    },
  };
}
