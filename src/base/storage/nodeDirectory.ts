import { open, mkdir, readdir, rm } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join, resolve } from 'node:path';
import { GraftError } from '../lib/errors.ts';
import { checkFileName } from '../lib/fileName.ts';
import { checkRange } from './byteSource.ts';
import { nodeFolder } from './nodeFolder.ts';
import { naming } from './storageError.ts';
import type { Directory, RandomAccessFile } from './types.ts';

/** A directory of the file system and its subdirectories, for Node; created on the first write. */
export function nodeDirectory(path: string): Directory {
  const folder = resolve(path);
  return {
    ...nodeFolder(folder),
    list: () => listIfThere(() => nodeFolder(folder).list()),
    directories: () =>
      listIfThere(async () => {
        const entries = await naming('.', folder, () => readdir(folder, { withFileTypes: true }));
        return entries
          .filter((entry) => entry.isDirectory())
          .map(({ name }) => name)
          .sort();
      }),
    async directory(name) {
      checkFileName(name);
      return nodeDirectory(join(folder, name));
    },
    async removeDirectory(name) {
      checkFileName(name);
      await naming(name, folder, () => rm(join(folder, name), { recursive: true, force: true }));
    },
    async edit(file) {
      checkFileName(file);
      return naming(file, folder, () => editNodeFile(folder, file));
    },
  };
}

async function listIfThere(list: () => Promise<string[]>): Promise<string[]> {
  try {
    return await list();
  } catch (error) {
    const codes = ['storage.folder_not_found', 'storage.not_found'];
    if (error instanceof GraftError && codes.includes(error.code)) return [];
    throw error;
  }
}

async function editNodeFile(folder: string, file: string): Promise<RandomAccessFile> {
  await mkdir(folder, { recursive: true });
  // Neither 'r+' nor 'w+': the file may or may not exist, and its content must be preserved.
  const handle = await open(join(folder, file), constants.O_RDWR | constants.O_CREAT, 0o666);
  const named = <T>(work: () => Promise<T>): Promise<T> => naming(file, folder, work);
  let closed = false;
  const size = async (): Promise<number> => (await named(() => handle.stat())).size;
  return {
    name: file,
    size,
    async read(offset, length) {
      if (!(offset >= 0 && length >= 0)) checkRange({ name: file, size: await size() }, offset, length);
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length;) {
        const { bytesRead } = await named(() => handle.read(bytes, done, length - done, offset + done));
        if (bytesRead === 0) checkRange({ name: file, size: await size() }, offset, length);
        done += bytesRead;
      }
      return bytes;
    },
    async write(offset, bytes) {
      for (let done = 0; done < bytes.byteLength;) {
        const wanted = bytes.byteLength - done;
        done += (await named(() => handle.write(bytes, done, wanted, offset + done))).bytesWritten;
      }
    },
    truncate: (bytes) => named(() => handle.truncate(bytes)),
    flush: () => named(() => handle.sync()),
    async close() {
      if (closed) return;
      closed = true;
      await named(() => handle.close());
    },
  };
}
