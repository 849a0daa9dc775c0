import { GraftError } from '../../../../base/lib/errors.ts';
import { usageOf, type Command } from '../command.ts';
import { checkHubAccess, isOnHub } from '../hubAccess.ts';
import { modelFolder } from '../hubModel.ts';
import { readOptions } from '../options.ts';
import { hubOptions } from '../commonOptions.ts';
import { printText } from '../terminal.ts';

const summary =
  'Downloads a model of a Hub to the cache, so that other commands find it there, and prints its files as JSON. Every --model can be hf:… too.';

export const fetchModel: Command = {
  name: 'fetch',
  summary,
  argument: 'hf:org/name[@revision]',
  options: hubOptions,
  takesRecipe: false,
  async run([model, ...args]) {
    const usage = usageOf(fetchModel);
    if (model === undefined || !isOnHub(model)) {
      const detail = 'The first argument must be a model on a Hub, hf:org/name.';
      throw new GraftError('cli.bad_option', { detail, usage });
    }
    const access = readOptions(args, hubOptions, usage);
    checkHubAccess(access, usage, [model]);
    const folder = await modelFolder({ model, ...access });
    const sizes = await Promise.all(
      (await folder.list()).map(async (file) => [file, (await folder.open(file)).size] as const),
    );
    printText(JSON.stringify({ model: folder.name, files: Object.fromEntries(sizes) }, null, 2));
  },
};
