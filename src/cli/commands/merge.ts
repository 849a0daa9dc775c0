import { basename, resolve } from 'node:path';
import { parseRecipe, type Recipe } from '../../config/recipe.ts';
import { parseRunRecord, runRecordFile } from '../../config/runRecord.ts';
import { defaultReading, readingOf } from '../../data/reading.ts';
import { loadTokenizer } from '../../data/tokenizer.ts';
import { trainedEnds, type EndToken } from '../../data/turnEnd.ts';
import { parseShardSize } from '../../formats/sharding.ts';
import { readJson } from '../../formats/text.ts';
import { modelCard } from '../../hub/modelCard.ts';
import { GraftError } from '../../lib/errors.ts';
import { checkMergeJob, mergeJob } from '../../merge/mergeJob.ts';
import { planEnds } from '../../merge/outputEnds.ts';
import { readAheadFolder } from '../../merge/readAhead.ts';
import { openModelFiles, type ModelFiles } from '../../model/openModel.ts';
import { nodeFolder } from '../../storage/nodeFolder.ts';
import type { Folder } from '../../storage/types.ts';
import { evaluateMerges } from '../../train/evaluateMerges.ts';
import { readDataset } from '../dataset.ts';
import { isOnHub, type HubAccess } from '../hubAccess.ts';
import { modelChoice, modelFlags, modelOptions, readInPlace } from '../hubModel.ts';
import { Options } from '../options.ts';
import { mergeOutput } from '../mergeOutput.ts';
import { openAdapterAt, openModelAt, withGpu } from '../session.ts';
import { writeProved } from '../writeProved.ts';

export const usage =
  'merge --model DIR --adapter DIR --out DIR [--max-shard-size 4096MB] [--onto original|dequantized] ' +
  '[--quantize nf4] [--double-quant] [--data FILE] [--no-download]';

/**
 * Writes the merged model, reads it back, and prints the proof as JSON; with --data the losses on its rows of both
 * weights it can be merged onto. What cannot be proved is removed again; what was cut off goes on where it was. With
 * --no-download a model of a Hub is read as it is merged, once, and not kept.
 */
export async function run(args: string[]): Promise<void> {
  const names = [...modelOptions, 'adapter', 'out', 'max-shard-size', 'onto', 'quantize', 'data'];
  const options = new Options(args, usage, names, ['double-quant', 'no-download', ...modelFlags]);
  const model = modelChoice(options, usage);
  const adapterPath = options.required('adapter');
  const outPath = options.required('out');
  const maxShardBytes = parseShardSize(options.optional('max-shard-size') ?? '4096MB');
  const onto = options.choice('onto', ['original', 'dequantized']);
  const format = options.optional('quantize') === undefined ? null : options.choice('quantize', ['nf4']);
  const doubleQuant = options.flag('double-quant');
  const dataPath = options.optional('data');
  if (doubleQuant && !format && onto === 'original' && dataPath === undefined) {
    const detail = '--double-quant belongs to --quantize, --onto dequantized or --data.';
    throw new GraftError('cli.bad_option', { detail, usage });
  }
  const readOnce = options.flag('no-download');
  if (readOnce && (!isOnHub(model.model) || dataPath !== undefined)) {
    const detail = '--no-download belongs to a model of a Hub, hf:org/name, and goes without --data.';
    throw new GraftError('cli.bad_option', { detail, usage });
  }
  const out = await mergeOutput(outPath);
  const merge = async (base: ModelFiles) => {
    const folder = nodeFolder(adapterPath);
    const adapter = (await openAdapterAt(base, adapterPath))!;
    const run = await beside(folder, runRecordFile, parseRunRecord);
    const recipe = run?.recipe ?? (await beside(folder, 'recipe.json', parseRecipe));
    const trainedDoubleQuant = recipe?.method === 'qlora' ? recipe.double_quant : doubleQuant;
    const quantize = format ? { doubleQuant } : null;
    const ends = await endsOf(base.folder);
    const job = mergeJob(base, adapter, {
      ...{ onto, trainedDoubleQuant, quantize, ends },
      card: run && modelCard(basename(resolve(outPath)), 'merged', run, await planEnds(base.folder, ends)),
    });
    // Everything that can be wrong with the input is told before the GPU is opened.
    checkMergeJob(job);
    const rows = dataPath === undefined ? null : await readRows(dataPath, model, base, recipe);
    await withGpu(async (gpu) => {
      const result = await writeProved(gpu, job, out, maxShardBytes, readOnce);
      const losses = rows && (await evaluateMerges(gpu, base, adapter, rows, trainedDoubleQuant));
      console.log(JSON.stringify({ ...result, ...(losses && { losses }) }, null, 2));
    });
  };
  if (!readOnce) return merge(await openModelAt(model));
  await readInPlace(model, async (folder) => merge(await openModelFiles(readAheadFolder(folder))));
}

/** The tokens that answers of the model end with. A tokenizer that cannot be read is reported and does not stop a merge. */
async function endsOf(folder: Folder): Promise<EndToken[]> {
  try {
    const tokenizer = await loadTokenizer(folder);
    return tokenizer ? trainedEnds(tokenizer) : [];
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    console.error(
      `generation_config.json stays as it is, for the ends of answers are not known: ${error.message}`,
    );
    return [];
  }
}

/** What `train` wrote into a file beside its adapter; null where it is another's. */
async function beside<T>(adapter: Folder, file: string, parse: (json: unknown) => T): Promise<T | null> {
  return (await adapter.list()).includes(file) ? parse(await readJson(adapter, file)) : null;
}

/** Rows masked and cut as in training, where that is known. */
async function readRows(
  path: string,
  access: HubAccess,
  { folder, spec }: ModelFiles,
  recipe: Recipe | null,
) {
  return readDataset(path, access, {
    tokenizer: await loadTokenizer(folder),
    reading: recipe ? readingOf(recipe) : defaultReading,
    maxLength: Math.min(recipe?.max_length ?? spec.maxPositions, spec.maxPositions),
    vocabSize: spec.vocabSize,
  });
}
