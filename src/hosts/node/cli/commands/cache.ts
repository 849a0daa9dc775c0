import { GraftError } from '../../../../base/lib/errors.ts';
import { removeModel } from '../../../../session/removeModel.ts';
import { openQuantizedCache } from '../../host.ts';
import { command } from '../command.ts';
import { openCache } from '../hubAccess.ts';
import { optional } from '../options.ts';
import { printText } from '../terminal.ts';

export const cache = command(
  'cache',
  'Prints what was downloaded and the 4-bit weights made of it, with sizes and times of last use, as JSON; or removes a repo or one of its commits.',
  {
    remove: optional('Other', 'org/name', 'Removes a model; a data set as datasets/org/name.'),
    commit: optional('Other', 'COMMIT', 'Removes this commit only.'),
  },
  async ({ remove: repo, commit }, usage) => {
    const models = openCache();
    const quantized = openQuantizedCache();
    const stored = await models.list();
    if (repo === undefined) {
      if (commit !== undefined)
        throw new GraftError('cli.bad_option', { detail: '--commit requires --remove.', usage });
      const weights = await quantized.list();
      const list = stored.map((one) => ({
        ...one,
        quantized: weights.filter(({ base }) => base === one.repo),
      }));
      return printText(JSON.stringify(list, null, 2));
    }
    const found = stored.filter((one) => one.repo === repo);
    const isThere =
      commit === undefined || found.some((one) => one.models.some((model) => model.commit === commit));
    if (found.length === 0 || !isThere)
      throw new GraftError('cli.not_in_cache', { repo, commit: commit ?? 'any commit' });
    for (const { host } of found) await removeModel(models, quantized, { host, repo }, commit);
  },
);
