import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs';
import { mkdir, rmdir } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { journalFile } from '../../../engine/merge/mergeJournal.ts';
import { configFile } from '../../../engine/merge/outputFiles.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { nodeDirectory } from '../../../base/storage/nodeDirectory.ts';
import { nodeLocks } from '../../../base/storage/nodeLocks.ts';
import { folderLock, ownedFolder, type OwnedFolder } from '../../../base/storage/ownedFolder.ts';
import { naming, storageError } from '../../../base/storage/storageError.ts';
import type { Folder, LockHolder } from '../../../base/storage/types.ts';

/**
 * Runs `work` as the owner of an output folder, from here to its end: no other command writes there meanwhile. A folder that
 * was made for it and is empty in the end is removed.
 * Throws `cli.output_in_use`, `cli.output_in_use_elsewhere`, `storage.not_a_folder`, `storage.denied`: before hours of work,
 * not after.
 */
export async function withOutput<T>(path: string, work: (out: OwnedFolder) => Promise<T>): Promise<T> {
  const folder = resolve(path);
  checkWritable(folder);
  const stop = new AbortController();
  const onWait = (holder: LockHolder): void => stop.abort(inUse(path, holder));
  const made = await naming(basename(folder), dirname(folder), () => mkdir(folder, { recursive: true }));
  try {
    return await nodeLocks(folder).hold(
      folderLock,
      (owner) => work(ownedFolder(nodeDirectory(folder), owner)),
      {
        signal: stop.signal,
        onWait,
      },
    );
  } finally {
    if (made !== undefined) await removeEmpty(folder, dirname(made));
  }
}

/**
 * The same for a folder that a command uses beside its output; where they are one it is owned already, and where there is none
 * there is nothing to own.
 */
export function withFolderBeside<T>(
  path: string | undefined,
  output: string,
  work: () => Promise<T>,
): Promise<T> {
  return path === undefined || isSame(path, output) ? work() : withOutput(path, work);
}

/** The same as `withOutput` with a new folder beside `path`, which another process has: `path-2`, or the next that is free. */
export async function withSibling<T>(
  path: string,
  work: (out: OwnedFolder, path: string) => Promise<T>,
): Promise<T> {
  for (let number = 2; ; number++) {
    const sibling = `${resolve(path)}-${number}`;
    const isFree = !existsSync(sibling);
    if (isFree) return withOutput(sibling, (out) => work(out, sibling));
  }
}

/** Throws `cli.output_in_use`, `cli.output_in_use_elsewhere` where a command is writing to a folder that is to be read. */
export async function checkNotInUse(path: string): Promise<void> {
  if (!existsSync(path) || !statSync(path).isDirectory()) return;
  const holder = await nodeLocks(path).holder(folderLock);
  if (holder) throw inUse(path, holder);
}

function inUse(folder: string, { pid, since, file }: LockHolder): GraftError {
  const params = { folder, since: since === null ? '?' : new Date(since).toISOString(), file: file ?? '' };
  return pid === null
    ? new GraftError('cli.output_in_use_elsewhere', params)
    : new GraftError('cli.output_in_use', { ...params, pid });
}

/** Removes folders without a file, from the innermost up to below `above`. */
async function removeEmpty(folder: string, above: string): Promise<void> {
  for (let at = folder; at !== above; at = dirname(at)) {
    const isGone = await rmdir(at).then(
      () => true,
      () => false,
    );
    if (!isGone) return;
  }
}

/** Checks that an output folder has nothing in it: nothing of the user's is overwritten. Throws `cli.output_exists`. */
export async function checkEmpty(out: Folder, path: string): Promise<void> {
  if ((await out.list()).length > 0) throw new GraftError('cli.output_exists', { folder: path });
}

/**
 * Checks the folder, or the nearest one above it where it is yet to be made.
 * Throws `storage.not_a_folder`, `storage.denied`.
 */
export function checkWritable(folder: string): void {
  let existing = folder;
  while (!existsSync(existing)) existing = dirname(existing);
  if (!statSync(existing).isDirectory()) throw new GraftError('storage.not_a_folder', { folder: existing });
  try {
    accessSync(existing, constants.W_OK);
  } catch (error) {
    throw storageError(error, basename(existing), dirname(existing));
  }
}

/**
 * Runs `work` as the owner of the folder a merge writes to: new, empty, or with an unfinished merge or a model in it, which may
 * be this merge's: the merge itself finds out.
 * @param inputs folders that are read, none of which is written to
 * Throws what `withOutput` and `checkEmpty` throw.
 */
export async function withMergeOutput<T>(
  path: string,
  inputs: readonly string[],
  work: (out: OwnedFolder) => Promise<T>,
): Promise<T> {
  // Before anything is written there.
  if (inputs.some((input) => isSame(input, path)))
    throw new GraftError('cli.output_exists', { folder: path });
  return withOutput(path, async (out) => {
    const present = await out.list();
    if (!present.includes(journalFile) && !present.includes(configFile)) await checkEmpty(out, path);
    return work(out);
  });
}

function isSame(input: string, output: string): boolean {
  const real = (path: string): string => (existsSync(path) ? realpathSync(path) : resolve(path));
  return real(input) === real(output);
}
