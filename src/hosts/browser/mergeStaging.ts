import { journalFile } from '../../engine/merge/mergeJournal.ts';
import { configFile } from '../../engine/merge/outputFiles.ts';
import { opfsDirectory } from '../../base/storage/opfsDirectory.ts';
import { opfsFile, opfsRoot, removeOpfsFolder } from '../../base/storage/opfsRoot.ts';
import type { Directory } from '../../base/storage/types.ts';

/** Folders of the origin private file system where models are merged for a zip or a push, one for each tab. */
const PREFIX = 'merge-staging-';

/** After a reload, the previous page may still hold its lock for a moment. */
const RELEASE_MS = 2_000;

/** A folder of this tab, locked until the tab ends: a zip that is offered stays there until the next merge. */
export interface MergeStaging {
  directory: Directory;
  /** A file in it, on disk until it is read. */
  file(name: string): Promise<File>;
}

let mine: string | null = null;

/**
 * The folder for the next merge: empty, or with the files of an unfinished one. Folders of tabs that were closed are
 * removed. Throws `storage.opfs_denied`.
 */
export async function mergeStaging(): Promise<MergeStaging> {
  const name = (mine ??= await lockFolder());
  for (const other of await stagingFolders()) {
    if (other === name) continue;
    await navigator.locks.request(other, { ifAvailable: true }, async (lock) => {
      if (lock) await removeOpfsFolder(other);
    });
  }
  const directory = await opfsDirectory(name);
  const files = await directory.list();
  // A finished merge was offered before, and this one replaces it.
  const isUnfinished = files.includes(journalFile) && !files.includes(configFile);
  if (!isUnfinished) for (const file of files) await directory.remove(file);
  return { directory, file: (file) => opfsFile(name, file) };
}

async function lockFolder(): Promise<string> {
  for (let number = 0; ; number++) {
    const name = PREFIX + number;
    if (await holdForever(name, number === 0 ? RELEASE_MS : 0)) return name;
  }
}

/** Holds a lock until this worker ends. @returns whether it was granted in time */
function holdForever(name: string, waitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const options = waitMs > 0 ? { signal: AbortSignal.timeout(waitMs) } : { ifAvailable: true };
    const held = navigator.locks.request(name, options, (lock) => {
      resolve(lock !== null);
      return lock ? new Promise<never>(() => undefined) : undefined;
    });
    held.catch(() => resolve(false));
  });
}

async function stagingFolders(): Promise<string[]> {
  const names: string[] = [];
  for await (const [name, { kind }] of (await opfsRoot()).entries()) {
    if (kind === 'directory' && name.startsWith(PREFIX)) names.push(name);
  }
  return names;
}
