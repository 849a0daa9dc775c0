import { runName } from '../../../../base/config/runName.ts';
import { GraftError } from '../../../../base/lib/errors.ts';
import { rowLengths } from '../../../../content/data/tokens/tokenize.ts';
import type { Job } from '../../../../content/job/jobFile.ts';
import type { JobSink } from '../../../../content/job/jobFolder.ts';
import { stepsOf } from '../../../../engine/train/steps.ts';
import { EXPECTED_STEPS } from '../../../../session/job/expectedLosses.ts';
import type { ExportJobOptions, JobProgress } from '../../../../session/job/exportJob.ts';
import { recipeOfRun } from '../../../../session/recipeOfRun.ts';
import type { Session } from '../../../../session/session.ts';
import { readJobFiles } from '../../jobFiles.ts';
import { CheckpointFolder } from '../checkpointFolder.ts';
import { command } from '../command.ts';
import {
  encodingOption,
  modelOptions,
  optionalData,
  recipeOption,
  rowsFieldOption,
} from '../commonOptions.ts';
import { readRecipeRows } from '../dataset.ts';
import { checkHubAccess } from '../hubAccess.ts';
import { jobSource } from '../jobFolders.ts';
import { number, optional, type Values } from '../options.ts';
import { checkNotInUse, withOutput } from '../output.ts';
import { withOutputAnew } from '../outputAnew.ts';
import { readRecipe, withWarmup } from '../recipe.ts';
import { log, printText } from '../terminal.ts';
import { openModelOf, readAdapterOf, withSession } from '../withSession.ts';

const options = {
  ...modelOptions,
  data: { ...optionalData, help: `For a run that has not begun: its rows. ${optionalData.help}` },
  rowsField: rowsFieldOption,
  evalData: optional('Data', 'FILE', 'The rows to measure the loss on, as for train.'),
  encoding: encodingOption,
  recipe: recipeOption,
  initAdapter: optional('Training', 'DIR', 'A PEFT folder to continue from, as for train.'),
  checkpoints: optional(
    'Training',
    'DIR',
    'The run to continue on a cluster, as train stored it; with --import a new folder for the run.',
  ),
  ahead: number(
    'Training',
    EXPECTED_STEPS,
    { min: 0, max: 1000, integer: true },
    'Steps to compute here, for check.py to compare with.',
  ),
  out: optional('Output', 'DIR', 'A new or empty folder for the job.'),
  import: optional('Output', 'DIR', 'Takes a job back, with what a cluster has trained of it.'),
};

type Options = Values<typeof options>;

export const job = command(
  'job',
  'Writes a run as a folder that Accelerate, TRL or Slurm continue on a cluster: the same rows in the same order, rates, weights and optimizer states, with the losses to expect. The run is one stored with --checkpoints, or one of --data and --recipe that has not begun. With --import what a cluster trained becomes a stored run again, which train --resume continues.',
  options,
  async (values, usage) => {
    const { out, checkpoints, data } = values;
    checkHubAccess(values, usage, [values.model, data, values.evalData]);
    const bad = (detail: string) => new GraftError('cli.bad_option', { detail, usage });
    if (values.import !== undefined) {
      if (out !== undefined || data !== undefined) throw bad('--import goes with --model and --checkpoints.');
      if (checkpoints === undefined) throw bad('--import requires --checkpoints, a new folder for the run.');
      return importJob(values, values.import, checkpoints);
    }
    if (out === undefined) throw new GraftError('cli.missing_option', { option: 'out', usage });
    if ((checkpoints === undefined) === (data === undefined))
      throw bad('A job is of --checkpoints, or of --data and --recipe.');
    return exportJob(values, out);
  },
);

async function exportJob(values: Options, path: string): Promise<void> {
  await withOutputAnew(path, (sink) =>
    withSession(async (session) => {
      const exporting = {
        files: readJobFiles(),
        ahead: values.ahead,
        onDifferences: (lines: readonly string[]) => lines.forEach((line) => log(line)),
        onProgress: reportProgress,
      };
      const write = await planned(session, values);
      const made = await write(sink, exporting);
      print(made);
      const model = made.base.repo === null && made.recipe.method !== 'full' ? ' --model PATH' : '';
      log(`In ${path}: uv run train.py${model}, then uv run check.py.`);
    }),
  );
}

/** The export of what the options name; what is wrong with them shows before the GPU is opened. */
async function planned(
  session: Session,
  values: Options,
): Promise<(out: JobSink, how: ExportJobOptions) => Promise<Job>> {
  const { data, checkpoints } = values;
  const model = await openModelOf(session, values);
  if (checkpoints !== undefined) {
    const folder = new CheckpointFolder(checkpoints);
    const found = await folder.find(true);
    if (!found) throw new GraftError('runs.not_found', { run: checkpoints });
    return (out, how) => session.exportJob(folder.store, found.id, out, how);
  }
  const given = await readRecipe(values.recipe);
  const initial = await readAdapterOf(session, values.initAdapter);
  const { recipe: asked } = recipeOfRun(model.files, given.recipe, initial?.peft ?? null);
  const rows = await readRecipeRows(data!, values, model.files, asked, {
    rowsField: values.rowsField,
    encoding: values.encoding,
    validation: values.evalData,
  });
  const recipe = withWarmup({ ...given, recipe: asked }, stepsOf(asked, rowLengths(rows.train)).steps);
  const run = {
    recipe,
    rows,
    dataFile: data!,
    validationFile: values.evalData,
    initial: initial?.peft ?? null,
  };
  return (out, how) => session.exportNewJob(run, runName(recipe, data!), out, how);
}

async function importJob(values: Options, path: string, checkpoints: string): Promise<void> {
  await checkNotInUse(path);
  await withOutput(checkpoints, async () => {
    const folder = new CheckpointFolder(checkpoints);
    await folder.find(false);
    await withSession(async (session) => {
      await openModelOf(session, values);
      const { header, step, steps } = await session.importJob(jobSource(path), folder.store);
      printText(JSON.stringify({ run: header.name, step, totalSteps: header.progress.totalSteps, steps }));
      log(
        steps === 0
          ? `The job has no result: the run is as it was exported, after step ${step}.`
          : `${steps} steps of the job are part of the run, which is after step ${step} now.`,
      );
    });
  });
}

function reportProgress({ kind, done, total }: JobProgress): void {
  if (kind === 'rows') log(`Writing the rows of ${total} steps.`);
  if (kind === 'ahead' && done === total) log(`${total} steps were computed ahead.`);
}

function print({ name, step, totalSteps, bounds, differences, files }: Job): void {
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  printText(
    JSON.stringify({ run: name, step, totalSteps, bounds, differences, files: files.length, bytes }, null, 2),
  );
}
