import type { ModelCache } from '../../content/hub/modelCache.ts';
import type { QuantizedCache } from '../../engine/model/weights/quantizedCache/quantizedCache.ts';
import type { StorageReport } from './hubProtocol.ts';

/** What is stored for this page, and what the browser reports about its storage. */
export async function storageReport(
  cache: ModelCache,
  quantizedCache: QuantizedCache | null,
): Promise<StorageReport> {
  // A model that was only looked up has left an empty folder at most.
  const repos = (await cache.list()).filter(({ bytes, models }) => bytes > 0 || models.length > 0);
  const quantized = (await quantizedCache?.list()) ?? [];
  // Not every browser reports these; they are shown, never relied on.
  const storage = globalThis.navigator?.storage as StorageManager | undefined;
  const estimate: StorageEstimate = (await storage?.estimate?.().catch(() => undefined)) ?? {};
  const persisted = (await storage?.persisted?.().catch(() => null)) ?? null;
  return { repos, quantized, usage: estimate.usage ?? null, quota: estimate.quota ?? null, persisted };
}
