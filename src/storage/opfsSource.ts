import { checkRange, readInto } from './byteSource.ts';
import type { SyncAccessHandle, SyncCapableHandle } from './opfsFolder.ts';
import { naming } from './storageError.ts';
import type { ByteSource } from './types.ts';

/**
 * A file of OPFS in a dedicated worker: `readInto` goes through a sync access handle, which is opened when first needed.
 * Where another owner has the file for itself, it is read by slices instead.
 * @param slices the same file, read by slices
 */
export function opfsSource(slices: ByteSource, file: FileSystemFileHandle): ByteSource {
  const { name, size } = slices;
  let kept: Promise<SyncAccessHandle | null> | null = null;
  return {
    ...slices,
    async readInto(offset, target) {
      checkRange({ name, size }, offset, target.byteLength);
      const opening = (kept ??= openForReading(file as SyncCapableHandle));
      const access = await opening;
      // Released while it was being opened: then it is closed.
      if (!access || kept !== opening) return readInto(slices, offset, target);
      await naming(name, name, async () => {
        for (let done = 0; done < target.byteLength;) {
          const read = access.read(target.subarray(done), { at: offset + done });
          if (read === 0) checkRange({ name, size: offset + done }, offset, target.byteLength);
          done += read;
        }
      });
    },
    async release() {
      const opened = kept;
      kept = null;
      (await opened)?.close();
    },
  };
}

async function openForReading(file: SyncCapableHandle): Promise<SyncAccessHandle | null> {
  try {
    return await file.createSyncAccessHandle({ mode: 'read-only' });
  } catch (error) {
    // Held by another tab, or in a browser that opens files for one owner, by another worker. All else is told by slices.
    if (error instanceof DOMException) return null;
    throw error;
  }
}
