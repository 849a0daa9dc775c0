import { GraftError } from '../../lib/errors.ts';
import { removeModel } from '../../model/derived/removeModel.ts';
import { derivedCache } from '../derivedCache.ts';
import { openCache } from '../hubAccess.ts';
import { Options } from '../options.ts';

export const usage =
  'cache [--remove org/name [--commit COMMIT]]   (of a data set datasets/org/name; without --remove it lists what is stored)';

/** Prints what was downloaded and the 4-bit weights made of it, with sizes and times of last use, as JSON; or removes a repo or one of its commits. */
export async function run(args: string[]): Promise<void> {
  const options = new Options(args, usage, ['remove', 'commit']);
  const cache = openCache();
  const derived = derivedCache();
  const inCache = await cache.list();
  const repo = options.optional('remove');
  const commit = options.optional('commit');
  if (repo === undefined) {
    if (commit !== undefined)
      throw new GraftError('cli.bad_option', { detail: '--commit belongs to --remove.', usage });
    const kept = await derived.list();
    const stored = inCache.map((one) => ({
      ...one,
      quantized: kept.filter(({ base }) => base === one.repo),
    }));
    return console.log(JSON.stringify(stored, null, 2));
  }
  const found = inCache.filter((stored) => stored.repo === repo);
  const isThere =
    commit === undefined || found.some(({ models }) => models.some((model) => model.commit === commit));
  if (found.length === 0 || !isThere)
    throw new GraftError('cli.not_in_cache', { repo, commit: commit ?? 'any commit' });
  for (const { host } of found) await removeModel(cache, derived, { host, repo }, commit);
}
