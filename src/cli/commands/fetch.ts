import { GraftError } from '../../lib/errors.ts';
import { checkChoice, isOnHub, modelFlags, modelFolder } from '../hubModel.ts';
import { Options } from '../options.ts';

export const usage =
  'fetch hf:org/name[@revision] [--endpoint URL] [--token-for-endpoint]   (every --model may be hf:… too, with the same options)';

/** Downloads a model of a Hub to the cache, so that other commands find it there; prints its files as JSON. */
export async function run([model, ...args]: string[]): Promise<void> {
  if (model === undefined || !isOnHub(model)) {
    const detail = 'The model must come first, as hf:org/name.';
    throw new GraftError('cli.bad_option', { detail, usage });
  }
  const folder = await modelFolder(
    checkChoice(model, new Options(args, usage, ['endpoint'], modelFlags), usage),
  );
  const sizes = await Promise.all(
    (await folder.list()).map(async (file) => [file, (await folder.open(file)).size] as const),
  );
  console.log(JSON.stringify({ model: folder.name, files: Object.fromEntries(sizes) }, null, 2));
}
