import { GraftError } from '../../lib/errors.ts';
import { openCache } from '../hubAccess.ts';
import { Options } from '../options.ts';

export const usage =
  'cache [--remove org/name [--commit COMMIT]]   (of a data set datasets/org/name; without --remove it lists what is stored)';

/** Prints what was downloaded, with sizes and times of last use, as JSON; or removes a repo or one of its commits. */
export async function run(args: string[]): Promise<void> {
  const options = new Options(args, usage, ['remove', 'commit']);
  const cache = openCache();
  const repo = options.optional('remove');
  const commit = options.optional('commit');
  if (repo === undefined) {
    if (commit !== undefined)
      throw new GraftError('cli.bad_option', { detail: '--commit belongs to --remove.', usage });
    return console.log(JSON.stringify(await cache.list(), null, 2));
  }
  const found = (await cache.list()).filter((stored) => stored.repo === repo);
  const isThere =
    commit === undefined || found.some(({ models }) => models.some((model) => model.commit === commit));
  if (found.length === 0 || !isThere)
    throw new GraftError('cli.not_in_cache', { repo, commit: commit ?? 'any commit' });
  for (const { host } of found) await cache.remove(host, repo, commit);
}
