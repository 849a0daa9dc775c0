import type { ModelCache } from '../content/hub/modelCache.ts';
import type { QuantizedCache } from '../engine/model/weights/quantizedCache/quantizedCache.ts';

/**
 * Removes a download at a commit, or all of a repo if none is given. With the last one, also the model's cached 4-bit
 * weights, which are of no use without it.
 * @param derived the cache of 4-bit weights, or null
 */
export async function removeModel(
  cache: ModelCache,
  derived: QuantizedCache | null,
  { host, repo }: { host: string; repo: string },
  commit?: string,
): Promise<void> {
  await cache.remove(host, repo, commit);
  if ((await cache.list()).some((left) => left.repo === repo && left.models.length > 0)) return;
  for (const { key, base } of (await derived?.list()) ?? []) if (base === repo) await derived?.remove(key);
}
