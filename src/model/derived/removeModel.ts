import type { ModelCache } from '../../hub/modelCache.ts';
import type { DerivedWeights } from './derivedWeights.ts';

/**
 * Removes a download at a commit, or without one all of a repo; with the last of it the 4-bit weights that were made of
 * it, which are of no use without it. @param derived null where none are kept
 */
export async function removeModel(
  cache: ModelCache,
  derived: DerivedWeights | null,
  { host, repo }: { host: string; repo: string },
  commit?: string,
): Promise<void> {
  await cache.remove(host, repo, commit);
  if ((await cache.list()).some((left) => left.repo === repo && left.models.length > 0)) return;
  for (const { key, base } of (await derived?.list()) ?? []) if (base === repo) await derived?.remove(key);
}
