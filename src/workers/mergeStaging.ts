import { journalFile } from '../merge/mergeJournal.ts';
import { opfsDirectory } from '../storage/opfsDirectory.ts';
import { opfsFile, opfsRoot, removeOpfsFolder } from '../storage/opfsRoot.ts';
import type { Directory } from '../storage/types.ts';

/** Folders of the origin private file system where models are merged that leave as a zip, one for each tab. */
const PREFIX = 'merge-staging-';

/** A reload may find the lock of the page before. */
const RELEASE_MS = 2_000;

/** A place of this tab's own, kept until the tab ends: a zip that is offered lies there until the next merge. */
export interface MergeStaging {
  directory: Directory;
  /** A file of it, which stays on disk until it is read. */
  file(name: string): Promise<File>;
}

let mine: string | null = null;

/**
 * The place for the next merge: empty, or with what an unfinished one has left. What a tab that is gone has left in
 * another place is removed. Throws `storage.opfs_denied`.
 */
export async function mergeStaging(): Promise<MergeStaging> {
  const name = (mine ??= await takePlace());
  for (const other of await places()) {
    if (other === name) continue;
    await navigator.locks.request(other, { ifAvailable: true }, async (lock) => {
      if (lock) await removeOpfsFolder(other);
    });
  }
  const directory = await opfsDirectory(name);
  const files = await directory.list();
  // A merge that is whole was offered before; its time is over.
  if (!files.includes(journalFile)) for (const file of files) await directory.remove(file);
  return { directory, file: (file) => opfsFile(name, file) };
}

async function takePlace(): Promise<string> {
  for (let place = 0; ; place++) {
    const name = PREFIX + place;
    if (await holdForever(name, place === 0 ? RELEASE_MS : 0)) return name;
  }
}

/** Takes a lock until this worker ends. @returns whether it could be had in time */
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

async function places(): Promise<string[]> {
  const names: string[] = [];
  for await (const [name, { kind }] of (await opfsRoot()).entries()) {
    if (kind === 'directory' && name.startsWith(PREFIX)) names.push(name);
  }
  return names;
}
