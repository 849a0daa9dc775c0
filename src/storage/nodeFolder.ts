import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { GraftError } from '../lib/errors.ts';
import { checkRange } from './byteSource.ts';
import { checkFileName } from '../lib/fileName.ts';
import { naming } from './storageError.ts';
import type { ByteSink, ByteSource, WritableFolder } from './types.ts';

/** Node refuses reads and writes of 2 GiB and more at once. */
const mostAtOnce = 1 << 30;
const unfinished = /^\..*\.graft-part$/;

/** A folder of the file system, for Node. Symbolic links are followed; the folder is made when first written to. */
export function nodeFolder(path: string): WritableFolder {
  const folder = resolve(path);
  return {
    name: basename(folder) || folder,
    async list() {
      const entries = await inFolder('.', folder, () => readdir(folder));
      const files = await Promise.all(
        entries.map(async (entry) => {
          // A dangling link is no file; neither is what a killed process left unfinished.
          const info = unfinished.test(entry)
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
  };
}

/**
 * A source over one file of the file system.
 * Throws `storage.not_found`, `storage.folder_not_found`, `storage.is_a_folder`.
 */
export async function nodeSource(path: string): Promise<ByteSource> {
  const name = basename(path);
  const folder = dirname(resolve(path));
  const info = await inFolder(name, folder, () => stat(path));
  if (!info.isFile()) throw new GraftError('storage.is_a_folder', { file: name, folder });
  const { size, mtimeMs } = info;
  const openFile = (): Promise<FileHandle> => naming(name, folder, () => open(path, 'r'));
  const fill = async (handle: FileHandle, offset: number, target: Uint8Array<ArrayBuffer>): Promise<void> => {
    const { byteLength: length } = target;
    for (let done = 0; done < length;) {
      const wanted = Math.min(length - done, mostAtOnce);
      const { bytesRead } = await naming(name, path, () => handle.read(target, done, wanted, offset + done));
      if (bytesRead === 0) checkRange({ name, size: offset + done }, offset, length);
      done += bytesRead;
    }
  };
  let kept: Promise<FileHandle> | null = null;
  return {
    name,
    size,
    version: `changed ${mtimeMs}`,
    async read(offset, length) {
      checkRange({ name, size }, offset, length);
      const bytes = new Uint8Array(length);
      // Opened for each read: nobody need release what was only read, and a handle left open would leak.
      const handle = await openFile();
      try {
        await fill(handle, offset, bytes);
      } finally {
        await handle.close();
      }
      return bytes;
    },
    async readInto(offset, target) {
      checkRange({ name, size }, offset, target.byteLength);
      const opened = (kept ??= openFile());
      opened.catch(() => {
        if (kept === opened) kept = null;
      });
      await fill(await opened, offset, target);
    },
    async release() {
      const opened = kept;
      kept = null;
      // Node closes a file when its reads have ended.
      await (await opened?.catch(() => null))?.close();
    },
  };
}

/** As `naming`, but tells a missing folder from a file missing in it. */
async function inFolder<T>(file: string, folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await naming(file, folder, work);
  } catch (error) {
    const missing = error instanceof GraftError && error.code === 'storage.not_found';
    if (!missing || (await stat(folder).catch(() => null))) throw error;
    throw new GraftError('storage.folder_not_found', { folder }, { cause: error });
  }
}

/** Writes to a temporary name; `close` flushes and renames it, so that the file appears whole. */
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
        const wanted = Math.min(bytes.byteLength - done, mostAtOnce);
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
