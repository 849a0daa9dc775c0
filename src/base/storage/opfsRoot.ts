import { GraftError, messageOf } from '../lib/errors.ts';

/** The root of the origin private file system. Throws `storage.opfs_denied` if the browser denies it. */
export async function opfsRoot(): Promise<FileSystemDirectoryHandle> {
  try {
    return await navigator.storage.getDirectory();
  } catch (cause) {
    throw new GraftError('storage.opfs_denied', { detail: messageOf(cause) }, { cause });
  }
}

/** Removes a top-level folder with its content; a missing one is not an error. */
export async function removeOpfsFolder(name: string): Promise<void> {
  const root = await opfsRoot();
  await root.removeEntry(name, { recursive: true }).catch(() => undefined);
}

/** A file of a top-level folder as a File, which stays on disk until it is read. Throws if it does not exist. */
export async function opfsFile(folder: string, file: string): Promise<File> {
  const handle = await (await opfsRoot()).getDirectoryHandle(folder);
  return (await handle.getFileHandle(file)).getFile();
}
