import { GraftError } from '../lib/errors.ts';
import { directoryHandleFolder } from './directoryHandleFolder.ts';
import { parseLock, SILENT_MS, type LockRecord } from './lockRecord.ts';
import { opfsRoot } from './opfsRoot.ts';
import { folderLock, ownedFolder, type OwnedFolder } from './ownedFolder.ts';
import { naming } from './storageError.ts';
import type { Owner } from './types.ts';

/** The file that a command in Node would make there too. */
const lockFile = `${folderLock}.lock`;
/** How often an owner writes its lock again, for those who cannot see its tab. */
const HEARTBEAT_MS = 60_000;
/** Held by one tab of the origin at a time, while it looks at a lock file and writes it. */
const taking = 'graft:folder-locks';
/** The Web Lock that a tab holds as long as it owns a folder. */
const heldBy = (token: string): string => `graft:folder-${token}`;

/**
 * Runs `work` as the owner of a folder that the user chose, which no other tab, browser or command writes to meanwhile. The lock
 * lies in the folder; a tab that has ended is known by its Web Lock, anyone else by silence alone.
 * Throws `storage.folder_in_use`, and what writing throws.
 */
export async function withHandleFolder<T>(
  handle: FileSystemDirectoryHandle,
  work: (folder: OwnedFolder) => Promise<T>,
): Promise<T> {
  const token = crypto.randomUUID();
  return navigator.locks.request(heldBy(token), async () => {
    const record: LockRecord = {
      machine: 'browser',
      boot: await storageName(),
      pidNamespace: null,
      pid: 1,
      startTime: null,
      token,
      since: Date.now(),
    };
    const named = <R>(does: () => Promise<R>): Promise<R> => naming(lockFile, handle.name, does);
    await navigator.locks.request(taking, () => named(() => take(handle, record)));
    const owner = ownerOf(handle, token);
    await owner.check();
    const heartbeat = setInterval(() => {
      owner
        .check()
        .then(() => write(handle, record))
        .catch(() => undefined);
    }, HEARTBEAT_MS);
    try {
      return await work(ownedFolder(directoryHandleFolder(handle), owner));
    } finally {
      clearInterval(heartbeat);
      await navigator.locks.request(taking, () => release(handle, token)).catch(() => undefined);
    }
  }) as Promise<T>;
}

function ownerOf(handle: FileSystemDirectoryHandle, token: string): Owner {
  return {
    token,
    async check() {
      const found = await naming(lockFile, handle.name, () => read(handle));
      if (found?.record?.token !== token)
        throw new GraftError('storage.lost_ownership', { file: lockFile, folder: handle.name });
    },
  };
}

async function take(handle: FileSystemDirectoryHandle, record: LockRecord): Promise<void> {
  const found = await read(handle);
  if (found && !(await isDead(found, record.boot)))
    throw new GraftError('storage.folder_in_use', { folder: handle.name, file: lockFile });
  await write(handle, record);
}

async function release(handle: FileSystemDirectoryHandle, token: string): Promise<void> {
  if ((await read(handle))?.record?.token === token) await handle.removeEntry(lockFile);
}

interface FoundLock {
  record: LockRecord | null;
  /** Its owner's last sign of life, in milliseconds since 1970. */
  seenMs: number;
}

/** Null where there is no lock. */
async function read(handle: FileSystemDirectoryHandle): Promise<FoundLock | null> {
  try {
    const file = await (await handle.getFileHandle(lockFile)).getFile();
    return { record: parseLock(await file.text()), seenMs: file.lastModified };
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotFoundError') return null;
    throw error;
  }
}

async function write(handle: FileSystemDirectoryHandle, record: LockRecord): Promise<void> {
  const writable = await (await handle.getFileHandle(lockFile, { create: true })).createWritable();
  await writable.write(JSON.stringify(record));
  await writable.close();
}

async function isDead({ record, seenMs }: FoundLock, storage: string | null): Promise<boolean> {
  if (record?.machine === 'browser' && record.boot !== null && record.boot === storage) {
    const { held = [] } = await navigator.locks.query();
    return !held.some(({ name }) => name === heldBy(record.token));
  }
  return Date.now() - seenMs > SILENT_MS;
}

/** A name of this origin's storage in this browser, by which tabs that share their Web Locks know each other; null without one. */
async function storageName(): Promise<string | null> {
  try {
    const root = await opfsRoot();
    return await navigator.locks.request(taking, async () => {
      const file = await root.getFileHandle('storage-name', { create: true });
      const found = await (await file.getFile()).text();
      if (found !== '') return found;
      const name = crypto.randomUUID();
      const writable = await file.createWritable();
      await writable.write(name);
      await writable.close();
      return name;
    });
  } catch {
    return null;
  }
}
