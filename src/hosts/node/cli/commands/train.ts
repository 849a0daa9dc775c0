import { basename, dirname, resolve } from 'node:path';
import { parseRecipe, type Recipe } from '../../../../base/config/recipe.ts';
import { runName } from '../../../../base/config/runName.ts';
import { parseRunRecord } from '../../../../base/config/runRecord.ts';
import { GraftError } from '../../../../base/lib/errors.ts';
import { nodeFolder } from '../../../../base/storage/nodeFolder.ts';
import type { OwnedFolder } from '../../../../base/storage/ownedFolder.ts';
import { lengthsOf } from '../../../../content/data/tokens/trainRows.ts';
import { readJson } from '../../../../content/formats/text.ts';
import type { RunHeader } from '../../../../content/runs/header.ts';
import { discardUnfinished } from '../../../../engine/merge/mergeModel.ts';
import { stepsOf } from '../../../../engine/train/steps.ts';
import type { TrainEvent } from '../../../../session/events.ts';
import { recipeOfRun } from '../../../../session/recipeOfRun.ts';
import { storedInitial } from '../../../../session/storedRun.ts';
import type { TrainJob } from '../../../../session/trainJob.ts';
import { endsOf, readTrainRows } from '../dataset.ts';
import { checkHubAccess, isOnHub } from '../hubAccess.ts';
import { command } from '../command.ts';
import { bytes, choice, flag, number, optional, required } from '../options.ts';
import { checkEmpty, withFolderBeside, withOutput } from '../output.ts';
import { earlierOutput, noOutput, writeTraining, type EarlierOutput } from '../runOutput.ts';
import { readRecipe, withObjective, withWarmup } from '../recipe.ts';
import { CheckpointFolder } from '../checkpointFolder.ts';
import { checkpointWait } from '../checkpointWait.ts';
import { onInterrupt } from '../interrupt.ts';
import { keepResult, type ResultFolder } from '../keepResult.ts';
import {
  dataOption,
  encodingOption,
  modelOptions,
  objectiveOption,
  recipeOption,
  rowsFieldOption,
} from '../commonOptions.ts';
import { log } from '../terminal.ts';
import { reportEnd, reportTraining } from '../trainReporter.ts';
import { openModelOf, readAdapterOf, withSession } from '../withSession.ts';
import { writeResult } from '../writeResult.ts';

export const train = command(
  'train',
  'Fine-tunes a model and writes a PEFT adapter (with method "full" a whole model) with recipe.json, metrics.jsonl (a line a step), training.json and a model card. Ctrl-C ends the run after its step and keeps what was trained. With --checkpoints the same command with --resume continues from the last checkpoint, to the same bits, wherever it ended.',
  {
    ...modelOptions,
    data: dataOption,
    rowsField: rowsFieldOption,
    evalData: optional(
      'Data',
      'FILE',
      'The rows to measure the loss on. Without it, rows of --data are held out as the recipe says: by default a tenth from 50 rows on.',
    ),
    encoding: encodingOption,
    streamFrom: bytes(
      'Data',
      '256MiB',
      'Rows of JSONL, CSV and Parquet files of this size and more are tokenized to disk and read as they are due; what was tokenized is used again.',
    ),
    out: required('Output', 'DIR', 'A new or empty folder for the result.'),
    fallbackOut: optional('Output', 'DIR', 'Takes the result if --out cannot be written when training ends.'),
    recipe: recipeOption,
    initAdapter: optional(
      'Training',
      'DIR',
      'A PEFT folder to continue from, with its own rank and modules. A run in --checkpoints keeps a copy.',
    ),
    objective: objectiveOption,
    memoryBudget: bytes(
      'Training',
      null,
      'The most GPU memory to use; the rest waits on disk. Overrides the recipe.',
    ),
    kernels: optional(
      'Training',
      'TRAINING.json',
      'Takes the kernels of an earlier run, and its activations where dtype is auto, for the same bits.',
    ),
    checkpoints: optional('Training', 'DIR', 'Stores the run here as it trains.'),
    checkpointSeconds: number('Training', 60, { min: 0 }, 'Seconds between two checkpoints.'),
    resume: flag('Training', 'Continues the run in --checkpoints.'),
    storageWait: number(
      'Training',
      600,
      { min: 0 },
      'Seconds to wait for space on a full disk, before training continues without checkpoints.',
    ),
    adapterDtype: choice(
      'Output',
      ['f32', 'int8'],
      'Type of the adapter’s matrices; int8 is read by Graft alone.',
    ),
  },
  async (options, usage) => {
    const { model: name, data, evalData, out: outPath, resume } = options;
    checkHubAccess(options, usage, [name, data, evalData]);
    if (resume && options.checkpoints === undefined)
      throw new GraftError('cli.missing_option', { option: 'checkpoints', usage });
    await withOutputs(options, usage, async (out, fallback) => {
      const checkpoints =
        options.checkpoints === undefined ? null : new CheckpointFolder(options.checkpoints);
      if (!resume) await checkEmpty(out, outPath);
      const found = (await checkpoints?.find(resume)) ?? null;
      const output = await resumedOutput(out, outPath, found?.header ?? null, name);
      const earlier = options.kernels === undefined ? {} : await earlierRun(options.kernels, usage);
      const stored = found?.header ?? null;
      const given =
        stored && options.recipe === undefined
          ? { recipe: stored.recipe, warmupRatio: null }
          : await readRecipe(options.recipe);
      const asked: Recipe = {
        ...withObjective(given.recipe, options.objective),
        ...(options.memoryBudget !== null && { memory_budget: options.memoryBudget }),
        // A run keeps the split that it began with.
        ...(stored &&
          given.recipe.eval_fraction === 'auto' && { eval_fraction: stored.recipe.eval_fraction }),
      };
      if (asked.method === 'full' && options.initAdapter !== undefined) {
        const detail = '--init-adapter does not go with method "full", which trains the model itself.';
        throw new GraftError('cli.bad_option', { detail, usage });
      }
      if (stored?.state === 'done' && output.isWhole && isSameRecipe(asked, stored.recipe)) {
        log(`Already finished: ${outPath} holds all that the run wrote, unchanged.`);
        return;
      }
      let runId: string | null = null;
      const onEvent = (event: TrainEvent): void => {
        if (event.kind === 'stored') runId = event.id;
        if (event.kind === 'takenOver') runId = null;
        reportTraining(event);
      };
      const resumed = found && checkpoints ? await checkpoints.open(found, onEvent) : null;
      const training = withSession(async (session) => {
        const model = await openModelOf(session, options);
        const named = await readAdapterOf(session, options.initAdapter);
        const initial = named?.peft ?? (resumed && (await storedInitial(resumed.run)));
        // What is wrong with the input shows before the GPU is opened.
        const { recipe: planned, reshaped } = recipeOfRun(model.files, asked, initial);
        if (reshaped) log('Training continues the adapter with its own rank, alpha, modules and layers.');
        const rows = await readTrainRows(data, options, model.files, planned, {
          streamFrom: options.streamFrom,
          rowsField: options.rowsField,
          encoding: options.encoding,
          validation: evalData,
        });
        const held = rows.evaluation ? lengthsOf(rows.evaluation).length : 0;
        if (held > 0 && planned.eval_fraction === 'auto' && evalData === undefined)
          log(`Rows held out for evaluation: ${held}. Set "eval_fraction" to 0 to train on all rows.`);
        const recipe = withWarmup(
          { ...given, recipe: planned },
          stepsOf(planned, lengthsOf(rows.train)).steps,
        );
        const job = {
          recipe,
          rows,
          dataFile: data,
          validationFile: evalData,
          // A run that is resumed reads its copy by itself.
          initial: named?.peft ?? null,
          ...earlier,
        };
        const signal = onInterrupt(
          'stop',
          'Stopping after this step. Ctrl-C again ends at once and keeps nothing.',
        );
        const waiting = checkpointWait(options.storageWait, signal);
        const trainOptions = {
          onEvent(event: TrainEvent) {
            onEvent(event);
            waiting.onEvent(event);
          },
          onStorageFull: waiting.onStorageFull,
          signal,
          checkpointSeconds: options.checkpointSeconds,
        };
        const storage = checkpoints && {
          runs: async () => checkpoints.store,
          name: runName(recipe, data),
          required: true,
        };
        const writeTo = async ({ folder, path }: ResultFolder) =>
          writeResult(session, folder, {
            path,
            dtype: options.adapterDtype === 'int8' ? 'I8' : 'F32',
            ends: await endsOf(model.files.folder),
          });
        const write = () =>
          writeTraining(out, outPath, {
            run: checkpoints && runId !== null ? { store: checkpoints.store, id: runId } : null,
            step: session.trained.training?.record().steps ?? 0,
            isModel: session.trained.trained.kind === 'model',
            earlier: output,
            write: (folder, path) =>
              keepResult(writeTo, { folder, path }, fallback, options.storageWait, () =>
                discardUnfinished(folder),
              ),
          });
        try {
          reportEnd(
            await (resumed
              ? session.resumeOpened(resumed, job, trainOptions)
              : session.train(job, storage, trainOptions)),
            recipe,
          );
        } catch (error) {
          if (error instanceof GraftError && error.code === 'train.diverged') await write();
          throw error;
        }
        await write();
        if (recipe.memory_budget > 0)
          log(`The most GPU memory at once was ${(await session.gpu()).memory.peak} bytes.`);
      });
      // Where the input is wrong, no session has had the run that could close it.
      await training.finally(() => resumed?.run.close());
    });
  },
);

/**
 * Runs `work` as the owner of all folders that a training writes to: --out, --checkpoints and --fallback-out. Throws what
 * `withOutput` and `checkEmpty` throw.
 */
async function withOutputs(
  paths: Record<'checkpoints' | 'fallbackOut', string | undefined> & { out: string },
  usage: string,
  work: (out: OwnedFolder, fallback: ResultFolder | null) => Promise<void>,
): Promise<void> {
  const { out: outPath, checkpoints, fallbackOut: path } = paths;
  if (path !== undefined && resolve(path) === resolve(outPath))
    throw new GraftError('cli.bad_option', { detail: '--fallback-out must not be --out.', usage });
  await withOutput(outPath, (out) =>
    withFolderBeside(checkpoints, outPath, async () => {
      if (path === undefined) return work(out, null);
      await withOutput(path, async (folder) => {
        await checkEmpty(folder, path);
        await work(out, { path, folder });
      });
    }),
  );
}

/** What an earlier start of a run has left in its output folder; it must be empty where there is no run. */
async function resumedOutput(
  out: OwnedFolder,
  path: string,
  header: RunHeader | null,
  model: string,
): Promise<EarlierOutput> {
  if (!header) {
    await checkEmpty(out, path);
    return noOutput;
  }
  // The files of a Hub's model are those of any.
  const baseFiles = async () => (isOnHub(model) ? [] : nodeFolder(model).list());
  return earlierOutput(out, path, header, baseFiles);
}

function isSameRecipe(a: Recipe, b: Recipe): boolean {
  return JSON.stringify(parseRecipe(a)) === JSON.stringify(parseRecipe(b));
}

/** What a run took that another may choose differently, by its record. Throws `cli.bad_option`, and what reading JSON throws. */
async function earlierRun(
  path: string,
  usage: string,
): Promise<Required<Pick<TrainJob, 'kernels' | 'activations'>>> {
  const record = parseRunRecord(await readJson(nodeFolder(dirname(path)), basename(path)));
  if (!record) throw new GraftError('cli.bad_option', { detail: `“${path}” is no record of a run.`, usage });
  return { kernels: record.kernels ?? {}, activations: record.activations ?? 'f32' };
}
