import type { ModelCache } from '../hub/modelCache.ts';
import type { DerivedWeights } from '../model/derived/derivedWeights.ts';
import type { StorageReport } from './hubProtocol.ts';

/** What is stored for the page, and what the browser says of its storage. */
export async function storageReport(cache: ModelCache, kept: DerivedWeights | null): Promise<StorageReport> {
  const [repos, quantized] = [await cache.list(), (await kept?.list()) ?? []];
  // Not every browser tells; what it tells is shown, never relied on.
  const storage = globalThis.navigator?.storage as StorageManager | undefined;
  const estimate: StorageEstimate = (await storage?.estimate?.().catch(() => undefined)) ?? {};
  const persisted = (await storage?.persisted?.().catch(() => null)) ?? null;
  return { repos, quantized, usage: estimate.usage ?? null, quota: estimate.quota ?? null, persisted };
}
