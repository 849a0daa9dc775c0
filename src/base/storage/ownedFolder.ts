import type { Directory, Owner, RandomAccessFile, WritableFolder } from './types.ts';

/**
 * The lock of a folder that results are written to, which lies in it. Folders do not list it: it is neither copied, nor
 * pushed, nor does it make a folder less empty.
 */
export const folderLock = '.graft-owner';

/** Whether a file is the lock of its folder, or belongs to it. */
export function isFolderLock(file: string): boolean {
  return file.startsWith(`${folderLock}.`);
}

/** A folder that is owned while it is written to. */
export interface OwnedFolder extends WritableFolder {
  /** Where its files can be edited in place. */
  edit?: Directory['edit'];
  /** Whether the owner before may wake in the middle of a write: its files are then better not written on. */
  readonly mayWake: boolean;
  /** Resolves where it is still owned. Throws `storage.lost_ownership`. */
  checkOwner(): Promise<void>;
}

/** A folder each of whose changes first checks that it is still its owner's. */
export function ownedFolder(
  folder: WritableFolder & Partial<Pick<Directory, 'edit'>>,
  owner: Owner,
): OwnedFolder {
  const owned = async <T>(work: () => Promise<T>): Promise<T> => {
    await owner.check();
    return work();
  };
  const edit = async (file: string): Promise<RandomAccessFile> => {
    const opened = await owned(() => folder.edit!(file));
    return {
      name: opened.name,
      size: () => opened.size(),
      read: (offset, length) => opened.read(offset, length),
      write: (offset, bytes) => owned(() => opened.write(offset, bytes)),
      truncate: (size) => owned(() => opened.truncate(size)),
      flush: () => opened.flush(),
      close: () => opened.close(),
    };
  };
  return {
    name: folder.name,
    ...(folder.origin && { origin: folder.origin }),
    list: () => folder.list(),
    open: (file) => folder.open(file),
    ...(folder.inner && { inner: (name: string) => folder.inner!(name) }),
    async create(file) {
      const sink = await owned(() => folder.create(file));
      return {
        write: (bytes) => sink.write(bytes),
        close: () => owned(() => sink.close()),
        abort: () => sink.abort(),
      };
    },
    remove: (file) => owned(() => folder.remove(file)),
    ...(folder.removeUnfinished && { removeUnfinished: () => owned(() => folder.removeUnfinished!()) }),
    ...(folder.edit && { edit }),
    mayWake: owner.mayWake ?? false,
    checkOwner: () => owner.check(),
  };
}
