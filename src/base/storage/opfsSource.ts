import { checkRange } from './byteSource.ts';
import type { SyncAccessHandle, SyncCapableHandle } from './syncAccess.ts';
import { naming } from './storageError.ts';
import type { ByteSource } from './types.ts';

/**
 * An OPFS file in a dedicated worker: `readInto` uses a sync access handle, opened when first needed. If another owner
 * holds the file exclusively, it is read by slices instead.
 * @param slices the same file, read by slices
 */
export function opfsSource(slices: ByteSource, file: FileSystemFileHandle): ByteSource {
  const { name, size } = slices;
  let current: Promise<SyncAccessHandle | null> | null = null;
  return {
    ...slices,
    async readInto(offset, target) {
      checkRange({ name, size }, offset, target.byteLength);
      const opening = (current ??= openForReading(file as SyncCapableHandle));
      const access = await opening;
      // Released while it was being opened: then it is closed.
      if (!access || current !== opening) return slices.readInto(offset, target);
      await naming(name, name, async () => {
        for (let done = 0; done < target.byteLength;) {
          const read = access.read(target.subarray(done), { at: offset + done });
          if (read === 0) checkRange({ name, size: offset + done }, offset, target.byteLength);
          done += read;
        }
      });
    },
    async release() {
      const opened = current;
      current = null;
      (await opened)?.close();
    },
  };
}

async function openForReading(file: SyncCapableHandle): Promise<SyncAccessHandle | null> {
  try {
    return await file.createSyncAccessHandle({ mode: 'read-only' });
  } catch (error) {
    // Held by another tab or, in browsers with exclusive handles, by another worker. Other errors appear when slices
    // are read.
    if (error instanceof DOMException) return null;
    throw error;
  }
}
