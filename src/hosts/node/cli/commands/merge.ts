import { basename, resolve } from 'node:path';
import { parseRecipe } from '../../../../base/config/recipe.ts';
import { parseRunRecord, runRecordFile } from '../../../../base/config/runRecord.ts';
import { GraftError } from '../../../../base/lib/errors.ts';
import { nodeFolder } from '../../../../base/storage/nodeFolder.ts';
import type { OwnedFolder } from '../../../../base/storage/ownedFolder.ts';
import type { Folder } from '../../../../base/storage/types.ts';
import { defaultReading, readingOf } from '../../../../base/config/reading.ts';
import { readJson } from '../../../../content/formats/text.ts';
import { readAheadFolder } from '../../../../engine/merge/readAhead.ts';
import { evaluateMerges } from '../../../../engine/train/evaluateMerges.ts';
import { planMerge } from '../../../../session/mergeTrained.ts';
import type { Session } from '../../../../session/session.ts';
import { command } from '../command.ts';
import { endsOf, readDataset } from '../dataset.ts';
import { checkHubAccess, isOnHub } from '../hubAccess.ts';
import { readInPlace } from '../hubModel.ts';
import { choice, flag, required } from '../options.ts';
import { withMergeOutput } from '../output.ts';
import { dtypeOf, mergedDtypes, modelOptions, optionalData, shardOption } from '../commonOptions.ts';
import { openModelOf, readAdapterOf, withSession } from '../withSession.ts';
import { writeProved } from '../writeProved.ts';
import { printText } from '../terminal.ts';

export const merge = command(
  'merge',
  'Writes the merged model, reads it back, and prints the proof as JSON. What cannot be proved is removed; a merge that was cut off continues when the same command runs again, and a finished one is proved again.',
  {
    ...modelOptions,
    adapter: required('Model', 'DIR', 'The PEFT folder to merge.'),
    out: required('Output', 'DIR', 'A new or empty folder, or one with this merge in it.'),
    onto: choice(
      'Output',
      ['original', 'dequantized'],
      'Merges onto the original weights, or onto what 4 bits make of them, which QLoRA trained on.',
    ),
    quantize: choice('Output', ['none', 'nf4'], 'The result in NF4, as bitsandbytes stores it.'),
    doubleQuant: flag('Output', 'Quantizes the absmax of NF4 too.'),
    dtype: choice(
      'Output',
      mergedDtypes,
      'The dtype of the weights; “stored” keeps that of each tensor. graft eval --compare-dtypes shows what each changes.',
    ),
    maxShardSize: shardOption,
    data: { ...optionalData, help: 'Measures the loss of both weights it can be merged onto on these rows.' },
    noDownload: flag('Model', 'Reads a model of a Hub as it is merged, once, without storing it.'),
  },
  async (options, usage) => {
    const { model: name, adapter: adapterPath, onto, doubleQuant, data, noDownload } = options;
    checkHubAccess(options, usage, [name, data]);
    const bad = (detail: string) => new GraftError('cli.bad_option', { detail, usage });
    const toNf4 = options.quantize === 'nf4';
    if (doubleQuant && !toNf4 && onto === 'original' && data === undefined)
      throw bad('--double-quant requires --quantize, --onto dequantized or --data.');
    if (toNf4 && options.dtype !== 'stored') throw bad('--dtype requires --quantize none.');
    if (noDownload && (!isOnHub(name) || data !== undefined))
      throw bad('--no-download requires a model on a Hub (hf:org/name) and cannot be combined with --data.');
    const mergeIn = async (session: Session, out: OwnedFolder) => {
      const { files } = session.model;
      const { peft: adapter } = (await readAdapterOf(session, adapterPath))!;
      const record = await beside(nodeFolder(adapterPath), runRecordFile, parseRunRecord);
      const recipe = record?.recipe ?? (await beside(nodeFolder(adapterPath), 'recipe.json', parseRecipe));
      const trainedDoubleQuant = recipe?.method === 'qlora' ? recipe.double_quant : doubleQuant;
      // What is wrong with the input shows before the GPU is opened.
      const job = await planMerge(
        files,
        { adapter, trained: null },
        {
          onto,
          trainedDoubleQuant,
          floats: dtypeOf(options.dtype),
          quantize: toNf4 ? { doubleQuant } : null,
          ends: await endsOf(files.folder),
          title: basename(resolve(options.out)),
          record,
        },
      );
      // Masked and cut as in training, where that is known.
      const reading = recipe ? readingOf(recipe) : defaultReading;
      const rows =
        data === undefined
          ? null
          : await readDataset(data, options, files, { reading, maxLength: recipe?.max_length });
      const gpu = await session.gpu();
      const result = await writeProved(gpu, job, out, options.maxShardSize, noDownload);
      const losses = rows && (await evaluateMerges(gpu, files, adapter, rows, trainedDoubleQuant));
      printText(JSON.stringify({ ...result, ...(losses && { losses }) }, null, 2));
    };
    await withMergeOutput(options.out, [name, adapterPath], (out) =>
      withSession(async (session) => {
        if (!noDownload) {
          await openModelOf(session, options);
          return mergeIn(session, out);
        }
        await readInPlace(options, async (folder) => {
          await session.openModel(readAheadFolder(folder));
          return mergeIn(session, out);
        });
      }),
    );
  },
);

/** What `train` wrote into a file beside its adapter; null where it is another's. */
async function beside<T>(adapter: Folder, file: string, parse: (json: unknown) => T): Promise<T | null> {
  return (await adapter.list()).includes(file) ? parse(await readJson(adapter, file)) : null;
}
