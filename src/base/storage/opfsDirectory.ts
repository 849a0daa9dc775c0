import { GraftError } from '../lib/errors.ts';
import { checkFileName } from '../lib/fileName.ts';
import { checkRange } from './byteSource.ts';
import { hidingUnfinished } from './opfsFolder.ts';
import type { SyncAccessHandle, SyncCapableHandle } from './syncAccess.ts';
import { opfsRoot } from './opfsRoot.ts';
import { naming } from './storageError.ts';
import type { Directory, RandomAccessFile } from './types.ts';

/**
 * A top-level directory of the origin private file system, with its subdirectories. Files are edited in place through
 * sync access handles, so this works only in dedicated workers. Throws `storage.opfs_denied`, `storage.bad_name`.
 */
export async function opfsDirectory(name: string): Promise<Directory> {
  return (await directoryIn(await opfsRoot())).directory(name);
}

async function directoryIn(handle: FileSystemDirectoryHandle): Promise<Directory> {
  return {
    ...hidingUnfinished(handle, handle.name),
    async directories() {
      const names: string[] = [];
      for await (const [name, entry] of handle.entries()) if (entry.kind === 'directory') names.push(name);
      return names.sort();
    },
    async directory(name) {
      checkFileName(name);
      const inner = await naming(name, handle.name, () => handle.getDirectoryHandle(name, { create: true }));
      return directoryIn(inner);
    },
    async removeDirectory(name) {
      checkFileName(name);
      await naming(name, handle.name, async () => {
        await handle.removeEntry(name, { recursive: true }).catch((error: unknown) => {
          if (!(error instanceof DOMException && error.name === 'NotFoundError')) throw error;
        });
      });
    },
    async edit(file) {
      checkFileName(file);
      return naming(file, handle.name, () => editOpfsFile(handle, file));
    },
  };
}

/** A tab closed or reloaded a moment ago may still hold its handle, longer on a busy machine. */
const RELEASE_MS = 10_000;

async function openWhenFree(target: SyncCapableHandle): Promise<SyncAccessHandle> {
  const until = performance.now() + RELEASE_MS;
  for (;;) {
    try {
      return await target.createSyncAccessHandle();
    } catch (error) {
      const held = error instanceof DOMException && error.name === 'NoModificationAllowedError';
      if (!held || performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function editOpfsFile(folder: FileSystemDirectoryHandle, file: string): Promise<RandomAccessFile> {
  const target = (await folder.getFileHandle(file, { create: true })) as SyncCapableHandle;
  const access = await openWhenFree(target);
  const named = <T>(work: () => T): Promise<T> => naming(file, folder.name, async () => work());
  return {
    name: file,
    size: () => named(() => access.getSize()),
    read: (offset, length) =>
      named(() => {
        checkRange({ name: file, size: access.getSize() }, offset, length);
        const bytes = new Uint8Array(length);
        for (let done = 0; done < length;) {
          const read = access.read(bytes.subarray(done), { at: offset + done });
          if (read === 0) checkRange({ name: file, size: offset + done }, offset, length);
          done += read;
        }
        return bytes;
      }),
    write: (offset, bytes) =>
      named(() => {
        for (let done = 0; done < bytes.byteLength;) {
          const written = access.write(bytes.subarray(done), { at: offset + done });
          // Short writes are legal; some browsers signal an exceeded quota by writing nothing.
          if (written === 0) throw new GraftError('storage.quota', { file });
          done += written;
        }
      }),
    truncate: (size) => named(() => access.truncate(size)),
    flush: () => named(() => access.flush()),
    // By the standard, closing a closed handle is not an error.
    close: () => named(() => access.close()),
  };
}
