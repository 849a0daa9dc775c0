import type { ModelCache } from '../hub/modelCache.ts';
import type { StorageReport } from './hubProtocol.ts';

/** What the cache holds, and what the browser says of the page's storage. */
export async function storageReport(cache: ModelCache): Promise<StorageReport> {
  const repos = await cache.list();
  // Not every browser tells; what it tells is shown, never relied on.
  const storage = globalThis.navigator?.storage as StorageManager | undefined;
  const estimate: StorageEstimate = (await storage?.estimate?.().catch(() => undefined)) ?? {};
  const persisted = (await storage?.persisted?.().catch(() => null)) ?? null;
  return { repos, usage: estimate.usage ?? null, quota: estimate.quota ?? null, persisted };
}
