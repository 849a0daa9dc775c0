import { randomUUID } from 'node:crypto';
import { fstatSync, type Stats } from 'node:fs';
import { mkdir, open, readdir, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { GraftError } from '../lib/errors.ts';
import { checkRange } from './byteSource.ts';
import { checkFileName } from '../lib/fileName.ts';
import { isFolderLock } from './ownedFolder.ts';
import { naming } from './storageError.ts';
import type { ByteSink, ByteSource, WritableFolder } from './types.ts';

/** Node rejects reads and writes of 2 GiB or more. */
const MAX_IO_BYTES = 1 << 30;
const unfinished = /^\..*\.graft-part$/;

/** A folder of the file system, for Node. Symbolic links are followed; the folder is created on the first write. */
export function nodeFolder(path: string): WritableFolder {
  const folder = resolve(path);
  return {
    name: basename(folder) || folder,
    async list() {
      const entries = await inFolder('.', folder, () => readdir(folder));
      const files = await Promise.all(
        entries.map(async (entry) => {
          // Skips dangling links, unfinished files of killed processes, and the folder's lock.
          const info =
            unfinished.test(entry) || isFolderLock(entry)
              ? undefined
              : await stat(join(folder, entry)).catch(() => undefined);
          return info?.isFile() ? [entry] : [];
        }),
      );
      return files.flat().sort();
    },
    async open(file) {
      checkFileName(file);
      return naming(file, folder, () => nodeSource(join(folder, file)));
    },
    async leadsOutside(file) {
      checkFileName(file);
      const [root, target] = await naming(file, folder, () =>
        Promise.all([realpath(folder), realpath(join(folder, file))]),
      );
      // The Hub's own cache keeps contents beside its snapshots: models--org--name/snapshots/<commit>/file -> ../../blobs/…
      const isSnapshot = basename(dirname(root)) === 'snapshots';
      const blobs = join(dirname(dirname(root)), 'blobs');
      return dirname(target) !== root && !(isSnapshot && dirname(target) === blobs);
    },
    async inner(name) {
      checkFileName(name);
      const info = await stat(join(folder, name)).catch(() => undefined);
      return info?.isDirectory() ? nodeFolder(join(folder, name)) : null;
    },
    async create(file) {
      checkFileName(file);
      return naming(file, folder, () => createNodeSink(folder, file));
    },
    async remove(file) {
      checkFileName(file);
      await naming(file, folder, () => rm(join(folder, file)));
    },
    async removeUnfinished() {
      const left = (await readdir(folder)).filter((entry) => unfinished.test(entry));
      for (const entry of left) await rm(join(folder, entry), { force: true });
    },
  };
}

/** Throws `storage.is_a_folder`, and `storage.not_a_file` for a pipe, a socket or a device. */
export function checkIsFile(info: Stats, file: string, folder: string): void {
  if (info.isFile()) return;
  if (info.isDirectory()) throw new GraftError('storage.is_a_folder', { file, folder });
  const found = info.isFIFO() ? 'a named pipe' : info.isSocket() ? 'a socket' : 'a device';
  throw new GraftError('storage.not_a_file', { file, folder, found });
}

/**
 * A source over one file of the file system. Throws `storage.not_found`, `storage.folder_not_found`,
 * `storage.is_a_folder`, `storage.not_a_file`. Reads throw `storage.changed` once the file was written to since: weights that
 * are streamed are read over and over, and must stay those that training began with.
 */
export async function nodeSource(path: string): Promise<ByteSource> {
  const name = basename(path);
  const folder = dirname(resolve(path));
  const info = await inFolder(name, folder, () => stat(path));
  checkIsFile(info, name, folder);
  const { size, mtimeMs } = info;
  const openFile = (): Promise<FileHandle> => naming(name, folder, () => open(path, 'r'));
  const fill = async (handle: FileHandle, offset: number, target: Uint8Array<ArrayBuffer>): Promise<void> => {
    const { byteLength: length } = target;
    for (let done = 0; done < length;) {
      const wanted = Math.min(length - done, MAX_IO_BYTES);
      const { bytesRead } = await naming(name, path, () => handle.read(target, done, wanted, offset + done));
      if (bytesRead === 0) checkRange({ name, size: offset + done }, offset, length);
      done += bytesRead;
    }
  };
  // After a read, since a check before it would prove nothing; of what is open, since the name may stand for another file.
  const checkUnchanged = ({ fd }: FileHandle): void => {
    const now = fstatSync(fd);
    if (now.size === size && now.mtimeMs === mtimeMs) return;
    throw new GraftError('storage.changed', {
      file: name,
      folder,
      detail: 'it was written to after it was opened',
    });
  };
  let handleOpening: Promise<FileHandle> | null = null;
  /** Reads by `readInto` that are under way. */
  const reads = new Set<Promise<void>>();
  return {
    name,
    size,
    version: `changed ${mtimeMs}`,
    async read(offset, length) {
      checkRange({ name, size }, offset, length);
      const bytes = new Uint8Array(length);
      // Opened for each read: callers of `read` need not release the source, and an open handle would leak.
      const handle = await openFile();
      try {
        await fill(handle, offset, bytes);
        checkUnchanged(handle);
      } finally {
        await handle.close();
      }
      return bytes;
    },
    async readInto(offset, target) {
      checkRange({ name, size }, offset, target.byteLength);
      const opened = (handleOpening ??= openFile());
      opened.catch(() => {
        if (handleOpening === opened) handleOpening = null;
      });
      const work = (async () => {
        const handle = await opened;
        await fill(handle, offset, target);
        checkUnchanged(handle);
      })();
      reads.add(work);
      await work.finally(() => reads.delete(work));
    },
    async release() {
      const opened = handleOpening;
      handleOpening = null;
      // Reads ahead may be under way: what they have read is checked on the open file.
      await Promise.allSettled(reads);
      await (await opened?.catch(() => null))?.close();
    },
  };
}

/** Like `naming`, but distinguishes a missing folder from a missing file in it. */
async function inFolder<T>(file: string, folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await naming(file, folder, work);
  } catch (error) {
    const missing = error instanceof GraftError && error.code === 'storage.not_found';
    if (!missing || (await stat(folder).catch(() => null))) throw error;
    throw new GraftError('storage.folder_not_found', { folder }, { cause: error });
  }
}

/** Writes to a temporary name; `close` flushes and renames it, so that the file appears complete. */
async function createNodeSink(folder: string, file: string): Promise<ByteSink> {
  await mkdir(folder, { recursive: true });
  const temporary = join(folder, `.${file.slice(0, 180)}.${randomUUID()}.graft-part`);
  let handle: FileHandle | undefined = await open(temporary, 'wx');
  const opened = (): FileHandle => {
    if (handle === undefined) throw new GraftError('storage.sink_closed', { file });
    return handle;
  };
  return {
    async write(bytes) {
      const target = opened();
      for (let done = 0; done < bytes.byteLength;) {
        const wanted = Math.min(bytes.byteLength - done, MAX_IO_BYTES);
        done += (await naming(file, folder, () => target.write(bytes, done, wanted))).bytesWritten;
      }
    },
    async close() {
      const target = opened();
      await naming(file, folder, () => target.sync());
      handle = undefined;
      await naming(file, folder, () => target.close());
      await naming(file, folder, () => rename(temporary, join(folder, file)));
    },
    async abort() {
      const target = handle;
      handle = undefined;
      await target?.close();
      await rm(temporary, { force: true });
    },
  };
}
