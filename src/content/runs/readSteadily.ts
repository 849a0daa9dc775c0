import { GraftError } from '../../base/lib/errors.ts';
import type { ByteSource, Directory } from '../../base/storage/types.ts';

/** Another tab may be writing a file while it is read; it is done in a moment. */
const [TRIES, WAIT_MS] = [4, 25];

/** Reads of a file, which is opened again where it has changed meanwhile. Throws what reading throws in the end. */
export async function readSteadily<T>(
  directory: Directory,
  file: string,
  read: (source: ByteSource) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read(await directory.open(file));
    } catch (error) {
      if (!isUnsteady(error) || attempt === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    }
  }
}

/** Whether an error says that there is no such file. */
export function isMissing(error: unknown): boolean {
  return hasCode(error, ['storage.not_found', 'storage.folder_not_found']);
}

/** Whether a file changed while it was read, or the disk cannot read it, rather than that access was refused, say. */
export function isUnsteady(error: unknown): boolean {
  return hasCode(error, ['storage.changed', 'storage.short_read']);
}

function hasCode(error: unknown, codes: readonly string[]): boolean {
  return error instanceof GraftError && codes.includes(error.code);
}
