import { GraftError } from '../../base/lib/errors.ts';
import { readText, writeBytes, writeText } from '../formats/text.ts';
import { renamedSource } from '../../base/storage/byteSource.ts';
import type { ByteSource, Directory } from '../../base/storage/types.ts';
import type { HubFile } from './remoteFile.ts';

/**
 * Files by checksum, so that commits share identical ones. A file exists once a marker beside it records that it was
 * verified and flushed; correctness does not depend on renames.
 */
export class BlobStore {
  readonly directory: Directory;

  constructor(directory: Directory) {
    this.directory = directory;
  }

  /** Whether the file is there, complete and verified. */
  async has(file: HubFile): Promise<boolean> {
    try {
      const text = await readText(this.directory, markOf(file));
      return text === markText(file) && (await this.directory.open(file.oid)).size === file.size;
    } catch (error) {
      // A marker truncated by a crash doesn't count.
      if (
        error instanceof GraftError &&
        /^storage\.(?:not_found|folder_not_found|bad_utf8)$/.test(error.code)
      )
        return false;
      throw error;
    }
  }

  /** The file under its original name. Throws `storage.not_found` unless it is there, complete and verified. */
  async open(file: HubFile): Promise<ByteSource> {
    if (!(await this.has(file)))
      throw new GraftError('storage.not_found', { file: file.path, folder: 'the cache' });
    return renamedSource(await this.directory.open(file.oid), file.path, file.oid);
  }

  /** Makes the file appear. It must be verified, flushed and closed. */
  async commit(file: HubFile): Promise<void> {
    await writeText(this.directory, markOf(file), markText(file));
  }

  /** Stores a small, verified file. */
  async put(file: HubFile, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await writeBytes(this.directory, file.oid, bytes);
    await this.commit(file);
  }

  /** Removes the files with these checksums and everything belonging to them, the marker first. */
  async remove(oids: Iterable<string>): Promise<void> {
    const names = new Set(await this.directory.list());
    for (const oid of oids) {
      for (const name of [`${oid}.ok`, `${oid}.pieces`, oid]) {
        if (names.has(name)) await this.directory.remove(name);
      }
    }
  }

  /** Bytes on disk, including incomplete files. */
  async bytes(): Promise<number> {
    let sum = 0;
    for (const name of await this.directory.list()) sum += (await this.directory.open(name)).size;
    return sum;
  }
}

function markOf({ oid }: HubFile): string {
  return `${oid}.ok`;
}

function markText({ oid, size }: HubFile): string {
  return `${oid} ${size}\n`;
}
