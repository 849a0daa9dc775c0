import { GraftError } from '../lib/errors.ts';
import type { ModelCache } from './modelCache.ts';
import type { RepoReference } from './repoReference.ts';

/**
 * The commit last downloaded for a revision, to use in place of what a Hub that cannot be reached would say. Throws
 * `error` where that is not what went wrong, or nothing was downloaded. @param openCache gives null where storage is denied
 */
export async function downloadedInstead(
  error: unknown,
  openCache: () => Promise<ModelCache | null>,
  host: string,
  { repo, revision }: RepoReference,
): Promise<{ cache: ModelCache; commit: string }> {
  const passing = error instanceof GraftError && /^hub\.(?:offline|unavailable)$/.test(error.code);
  const cache = passing ? await openCache() : null;
  const commit = await cache?.latest(host, repo, revision);
  if (!cache || !commit) throw error;
  return { cache, commit };
}
