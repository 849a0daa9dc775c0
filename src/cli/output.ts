import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { GraftError } from '../lib/errors.ts';
import { nodeFolder } from '../storage/nodeFolder.ts';
import { storageError } from '../storage/storageError.ts';
import type { WritableFolder } from '../storage/types.ts';

/**
 * The folder to write results to, which must be new or empty: nothing of the person's is overwritten. It is made
 * with its first file, so that a run that fails leaves no empty folder behind.
 * Throws `cli.output_exists`, `storage.not_a_folder`, `storage.denied`: before hours of work, not after.
 */
export async function outputFolder(path: string): Promise<WritableFolder> {
  checkWritable(resolve(path));
  const folder = nodeFolder(path);
  const list = async () => (existsSync(path) ? folder.list() : []);
  if ((await list()).length > 0) throw new GraftError('cli.output_exists', { folder: path });
  return { ...folder, list };
}

/** The folder and name of a file to write. Throws `storage.is_a_folder`, `storage.not_a_folder`, `storage.denied`. */
export function outputFile(path: string): { folder: WritableFolder; file: string } {
  const [folder, file] = [dirname(resolve(path)), basename(path)];
  checkWritable(folder);
  if (existsSync(path) && !statSync(path).isFile())
    throw new GraftError('storage.is_a_folder', { file, folder });
  return { folder: nodeFolder(folder), file };
}

/** Checks the folder, or the nearest one above it where it is yet to be made. */
function checkWritable(folder: string): void {
  let existing = folder;
  while (!existsSync(existing)) existing = dirname(existing);
  if (!statSync(existing).isDirectory()) throw new GraftError('storage.not_a_folder', { folder: existing });
  try {
    accessSync(existing, constants.W_OK);
  } catch (error) {
    throw storageError(error, basename(existing), dirname(existing));
  }
}
