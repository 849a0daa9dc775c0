import { messageOf } from '../../../base/lib/errors.ts';
import { isWriteFailure } from '../../../base/lib/errorKind.ts';
import type { OwnedFolder } from '../../../base/storage/ownedFolder.ts';
import { SpaceWait } from './spaceWait.ts';
import { log } from './terminal.ts';

/** A folder for a result, by its path. */
export interface ResultFolder {
  path: string;
  folder: OwnedFolder;
}

/**
 * Writes a result where it belongs. If that cannot be written, most often for want of room, it goes to the other
 * folder; without one the command waits for space and tries again. Throws what `write` throws at last.
 * @param seconds the longest wait
 * @param discard removes what `write` leaves to be continued; nothing continues a result that went to the other folder
 */
export async function keepResult(
  write: (to: ResultFolder) => Promise<void>,
  out: ResultFolder,
  fallback: ResultFolder | null,
  seconds: number,
  discard: () => Promise<unknown>,
): Promise<void> {
  const wait = new SpaceWait(seconds);
  for (;;) {
    const begun = new Set<string>();
    try {
      await write({ ...out, folder: noting(out.folder, begun) });
      return;
    } catch (error) {
      // A part of a result would be taken for a whole one.
      for (const file of begun) await out.folder.remove(file).catch(() => undefined);
      if (!isWriteFailure(error)) throw error;
      if (fallback) {
        log(`${out.path} cannot be written: ${messageOf(error)} The result goes to ${fallback.path}.`);
        await write(fallback);
        await discard().catch(() => undefined);
        return;
      }
      if (!(await wait.tryAgain('The result', error, null))) throw error;
    }
  }
}

/** The folder, with the names of the files that are created in it noted. */
function noting(folder: OwnedFolder, names: Set<string>): OwnedFolder {
  return {
    ...folder,
    create: async (file) => {
      const sink = await folder.create(file);
      names.add(file);
      return sink;
    },
  };
}
