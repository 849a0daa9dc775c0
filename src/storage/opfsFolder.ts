import { GraftError } from '../lib/errors.ts';
import { checkFileName } from '../lib/fileName.ts';
import { directoryHandleFolder, fileNames } from './directoryHandleFolder.ts';
import { opfsRoot } from './opfsRoot.ts';
import { opfsSource } from './opfsSource.ts';
import { naming } from './storageError.ts';
import type { ByteSink, WritableFolder } from './types.ts';

/** The part of FileSystemSyncAccessHandle used here; it exists in dedicated workers only, so TypeScript's DOM lacks it. */
export interface SyncAccessHandle {
  getSize(): number;
  truncate(size: number): void;
  read(bytes: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  write(bytes: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  flush(): void;
  close(): void;
}

/** A file handle in a dedicated worker. */
export interface SyncCapableHandle extends FileSystemFileHandle {
  /** Chromium alone knows the mode, in which a file may be open more than once; others open it for one owner. */
  createSyncAccessHandle(options?: { mode: 'read-only' }): Promise<SyncAccessHandle>;
}

/** Missing outside dedicated workers; where it is there, it is faster than slices of a File and createWritable. */
const SYNC_ACCESS =
  typeof FileSystemFileHandle !== 'undefined' && 'createSyncAccessHandle' in FileSystemFileHandle.prototype;

/** A file being written in place has this beside it; while it stands, the file is treated as not there. */
const partSuffix = '.graft-part';

/**
 * The folder at `path` (`runs/2024-05-01`) of the origin private file system, made if missing. In a worker it writes
 * through a sync access handle, elsewhere through createWritable. Throws `storage.opfs_denied` where the browser
 * refuses OPFS, `storage.bad_name`.
 */
export async function opfsFolder(path: string): Promise<WritableFolder> {
  let handle = await opfsRoot();
  for (const part of path.split('/').filter((segment) => segment !== '')) {
    checkFileName(part);
    const parent = handle;
    handle = await naming(part, parent.name, () => parent.getDirectoryHandle(part, { create: true }));
  }
  return hidingUnfinished(handle, path);
}

/** A directory handle's files without those being written in place, or left so by a crash. */
export function hidingUnfinished(handle: FileSystemDirectoryHandle, name: string): WritableFolder {
  const inner = directoryHandleFolder(handle, name);
  const list = async (): Promise<string[]> => {
    const names = await inner.list();
    const marks = new Set(names.filter((file) => file.endsWith(partSuffix)));
    return names.filter((file) => !marks.has(file) && !marks.has(file + partSuffix));
  };
  return {
    name,
    list,
    async open(file) {
      if (!(await list()).includes(file)) throw new GraftError('storage.not_found', { file, folder: name });
      const source = await inner.open(file);
      return SYNC_ACCESS ? opfsSource(source, await handle.getFileHandle(file)) : source;
    },
    async create(file) {
      checkFileName(file);
      return SYNC_ACCESS ? naming(file, name, () => createOpfsSink(handle, file)) : inner.create(file);
    },
    remove: (file) => inner.remove(file),
  };
}

/**
 * Writes in place under the protection of a mark: mark, write, flush, remove the mark. A crash anywhere leaves the
 * mark, hence no file. Correctness doesn't rest on renaming, which OPFS doesn't offer in every browser.
 */
async function createOpfsSink(handle: FileSystemDirectoryHandle, file: string): Promise<ByteSink> {
  const mark = file + partSuffix;
  const before = await fileNames(handle);
  await handle.getFileHandle(mark, { create: true });
  let access: SyncAccessHandle | undefined;
  try {
    const target = (await handle.getFileHandle(file, { create: true })) as SyncCapableHandle;
    access = await target.createSyncAccessHandle();
  } catch (error) {
    // Another writer's mark and file stay; what was made here goes.
    for (const made of [file, mark])
      if (!before.includes(made)) await handle.removeEntry(made).catch(() => undefined);
    throw error;
  }
  access.truncate(0);
  let at = 0;
  const opened = (): SyncAccessHandle => {
    if (access === undefined) throw new GraftError('storage.sink_closed', { file });
    return access;
  };
  return {
    write: (bytes) =>
      naming(file, handle.name, async () => {
        for (let done = 0; done < bytes.byteLength;) {
          const written = opened().write(bytes.subarray(done), { at: at + done });
          // Short writes are legal; no progress at all is how some browsers say that the quota is used up.
          if (written === 0) throw new GraftError('storage.quota', { file });
          done += written;
        }
        at += bytes.byteLength;
      }),
    close: () =>
      naming(file, handle.name, async () => {
        opened().flush();
        opened().close();
        access = undefined;
        await handle.removeEntry(mark);
      }),
    async abort() {
      if (access === undefined) return;
      access.close();
      access = undefined;
      await handle.removeEntry(file);
      await handle.removeEntry(mark);
    },
  };
}
