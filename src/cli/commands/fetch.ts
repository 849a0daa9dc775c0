import { GraftError } from '../../lib/errors.ts';
import { hubAccess, hubFlags, hubOptions, isOnHub } from '../hubAccess.ts';
import { modelFolder } from '../hubModel.ts';
import { Options } from '../options.ts';

export const usage =
  'fetch hf:org/name[@revision] [--endpoint URL] [--token-for-endpoint]   (every --model may be hf:… too, with the same options)';

/** Downloads a model of a Hub to the cache, so that other commands find it there; prints its files as JSON. */
export async function run([model, ...args]: string[]): Promise<void> {
  if (model === undefined || !isOnHub(model)) {
    const detail = 'The model must come first, as hf:org/name.';
    throw new GraftError('cli.bad_option', { detail, usage });
  }
  const options = new Options(args, usage, hubOptions, hubFlags);
  const folder = await modelFolder({ model, ...hubAccess(options, usage, [model]) });
  const sizes = await Promise.all(
    (await folder.list()).map(async (file) => [file, (await folder.open(file)).size] as const),
  );
  console.log(JSON.stringify({ model: folder.name, files: Object.fromEntries(sizes) }, null, 2));
}
