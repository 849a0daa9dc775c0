import type { ModelCache } from '../hub/modelCache.ts';
import type { DerivedWeights } from '../model/derived/derivedWeights.ts';
import type { StorageReport } from './hubProtocol.ts';

/** What is stored for the page, and what the browser says of its storage. */
export async function storageReport(cache: ModelCache, kept: DerivedWeights | null): Promise<StorageReport> {
  // Of a model that was only looked at, there is an empty folder at most.
  const repos = (await cache.list()).filter(({ bytes, models }) => bytes > 0 || models.length > 0);
  const quantized = (await kept?.list()) ?? [];
  // Not every browser tells; what it tells is shown, never relied on.
  const storage = globalThis.navigator?.storage as StorageManager | undefined;
  const estimate: StorageEstimate = (await storage?.estimate?.().catch(() => undefined)) ?? {};
  const persisted = (await storage?.persisted?.().catch(() => null)) ?? null;
  return { repos, quantized, usage: estimate.usage ?? null, quota: estimate.quota ?? null, persisted };
}
