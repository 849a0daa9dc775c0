import { GraftError } from '../lib/errors.ts';
import { checkFileName } from '../lib/fileName.ts';
import { directoryHandleFolder, fileNames } from './directoryHandleFolder.ts';
import { opfsRoot } from './opfsRoot.ts';
import { opfsSource } from './opfsSource.ts';
import { naming } from './storageError.ts';
import type { ByteSink, WritableFolder } from './types.ts';
import type { SyncAccessHandle, SyncCapableHandle } from './syncAccess.ts';

/** Missing outside dedicated workers; faster than slices of a File and createWritable. */
const SYNC_ACCESS =
  typeof FileSystemFileHandle !== 'undefined' && 'createSyncAccessHandle' in FileSystemFileHandle.prototype;

/** Suffix of the marker file beside a file being written in place; while it exists, the file is treated as missing. */
const partSuffix = '.graft-part';

/**
 * The folder at `path` (`runs/2024-05-01`) of the origin private file system, created if missing. In a worker it writes
 * through a sync access handle, elsewhere through createWritable. Throws `storage.opfs_denied` if the browser denies
 * OPFS, `storage.bad_name`.
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

/** Hides the files of a directory handle that are being written in place, or were left incomplete by a crash. */
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
 * Writes in place under a marker file: create the marker, write, flush, remove the marker. A crash at any point leaves
 * the marker, hence no file. Correctness doesn't depend on renaming, which OPFS doesn't offer in every browser.
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
    // Another writer's marker and file stay; what was created here is removed.
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
          // Short writes are legal; some browsers signal an exceeded quota by writing nothing.
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
