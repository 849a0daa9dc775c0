import { ModelCache } from '../../content/hub/modelCache.ts';
import { opfsDirectory } from '../../base/storage/opfsDirectory.ts';
import { webLocks } from '../../base/storage/webLocks.ts';

/** The folder of the origin private file system for downloads from Hubs. */
const CACHE = 'hub';

/** The downloaded models, shared by all tabs and workers of the page. Throws `storage.opfs_denied`. */
export async function openModelCache(): Promise<ModelCache> {
  return new ModelCache(await opfsDirectory(CACHE), webLocks());
}
