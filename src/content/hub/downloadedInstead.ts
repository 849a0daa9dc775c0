import { GraftError } from '../../base/lib/errors.ts';
import type { ModelCache } from './modelCache.ts';
import type { RepoReference } from './repoReference.ts';

/**
 * The commit last downloaded for a revision, as a fallback when the Hub can't be reached. Throws `error` if that is not
 * its cause, or nothing was downloaded.
 * @param openCache returns null if storage is denied
 */
export async function downloadedInstead(
  error: unknown,
  openCache: () => Promise<ModelCache | null>,
  host: string,
  { repo, revision }: RepoReference,
): Promise<{ cache: ModelCache; commit: string }> {
  const unreachable = error instanceof GraftError && /^hub\.(?:offline|unavailable)$/.test(error.code);
  const cache = unreachable ? await openCache() : null;
  const commit = await cache?.latest(host, repo, revision);
  if (!cache || !commit) throw error;
  return { cache, commit };
}
