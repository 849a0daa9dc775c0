import type { Recipe } from '../../base/config/recipe.ts';
import type { ActivationDtype, Elsewhere, RunRecord } from '../../base/config/runRecord.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { publicModelName, publicName } from '../../base/lib/publicName.ts';
import { rowsInMemory } from '../../content/data/tokens/trainRows.ts';
import { rowLengths } from '../../content/data/tokens/tokenize.ts';
import { writeAdapter, type PeftAdapter } from '../../content/formats/peft.ts';
import type { PeftSaved } from '../../content/formats/peftSaved.ts';
import { readText, writeText } from '../../content/formats/text.ts';
import {
  bestFile,
  initialFolder,
  JOB_FORMAT,
  jobFile,
  parseJob,
  type Job,
} from '../../content/job/jobFile.ts';
import { HashedFiles, inJob, type JobSink } from '../../content/job/jobFolder.ts';
import { jobReadme } from '../../content/job/jobReadme.ts';
import { writeRows, writeTable } from '../../content/job/jobRows.ts';
import { pinnedVersions } from '../../content/job/pinnedVersions.ts';
import { curveJson, type CurveRecord } from '../../content/runs/curveLog.ts';
import { recipeAsBegun } from '../../content/runs/header.ts';
import type { CheckpointData, CheckpointFile } from '../../content/runs/types.ts';
import { TunedChoices } from '../../engine/gpu/choices.ts';
import type { Decoder } from '../../engine/model/decoder/decoder.ts';
import type { ModelFiles } from '../../engine/model/spec/openModel.ts';
import type { AdapterDescription, Trainable } from '../../engine/model/trained/trainable.ts';
import { weightsFingerprint } from '../../engine/model/weights/weightsFingerprint.ts';
import { trainedAt } from '../../engine/train/checkpointAdapter.ts';
import { readCheckpointState } from '../../engine/train/checkpointState.ts';
import { describeAdapter } from '../../engine/train/startAdapter.ts';
import { startTraining } from '../../engine/train/startTraining.ts';
import { stepsOf } from '../../engine/train/steps.ts';
import { newProgress } from '../../engine/train/trainProgress.ts';
import { loadForRun } from '../loadForRun.ts';
import type { SplitRows } from '../trainJob.ts';
import type { TrainContext } from '../trainModel.ts';
import { boundsOf, checkJob, differencesOf } from './checkJob.ts';
import { EXPECTED_STEPS, lossesAhead, lossesDone } from './expectedLosses.ts';
import { scheduleJson } from './jobSchedule.ts';
import { namedRows, shapesOf, writeTensors, type Shapes } from './trainedTensors.ts';

/** A run as it is exported: a stored one, or one that has not begun. */
export interface JobRun {
  name: string;
  id: string;
  recipe: Recipe;
  rows: SplitRows;
  data: RunRecord['data'];
  base: RunRecord['base'];
  kernels: Readonly<Record<string, string>> | null;
  activations: ActivationDtype | null;
  seconds: number;
  elsewhere?: Elsewhere | undefined;
  /** Null before the first step. */
  checkpoint: CheckpointData | null;
  records: readonly CurveRecord[];
  /** The adapter that training began or begins with; null for a fresh one. */
  initial: PeftAdapter | null;
}

export interface ExportJobOptions {
  /** The files that are the same in every job, by path: `train.py`, … */
  files: Readonly<Record<string, string>>;
  /** Steps to compute ahead; 20 by default. */
  ahead?: number;
  /** What cannot be the same elsewhere, before anything is written. */
  onDifferences?(lines: readonly string[]): void;
  onProgress?(progress: JobProgress): void;
}

/** What of an export is being done: bytes of weights, the rows, or steps ahead. */
export interface JobProgress {
  kind: 'loading' | 'rows' | 'ahead';
  done: number;
  total: number;
}

/**
 * Writes a run as a job that engines of a cluster continue: with the same rows in the same order, the same rates, weights
 * and optimizer states. `job.json` comes last. @returns what it says
 * Throws `job.*`, what loading and training throw, and what the sink throws.
 */
export async function exportJob(
  { gpu, model, host }: Pick<TrainContext, 'gpu' | 'model' | 'host'>,
  run: JobRun,
  out: JobSink,
  { files, ahead = EXPECTED_STEPS, onDifferences, onProgress = () => undefined }: ExportJobOptions,
): Promise<Job> {
  const { checkpoint } = run;
  const rows = { ...run.rows, train: rowsInMemory(run.rows.train, 'graft job') };
  const state = checkpoint && readCheckpointState(checkpoint);
  const progress = state?.progress ?? newProgress();
  const { step } = progress;
  const plan = stepsOf(run.recipe, rowLengths(rows.train));
  checkJob(run.recipe, model.files.spec, step + 1);
  if (step >= plan.steps) throw new GraftError('job.nothing_left', { run: run.name, steps: plan.steps });
  const choices = run.kernels
    ? new TunedChoices(state?.kernels ?? run.kernels)
    : (await host.tunedKernels(gpu)).choices();
  const recipe =
    run.activations === null ? run.recipe : recipeAsBegun({ ...run, activations: run.activations });
  const { decoder } = await loadForRun(
    gpu,
    model,
    { recipe, rows, choices },
    { onProgress: (done, total) => onProgress({ kind: 'loading', done, total }) },
  );
  const fingerprint = await weightsFingerprint(model.files.checkpoint);
  const activations = decoder.type;
  const weighted = rows.train.weights !== null;
  const differences = differencesOf(run.recipe, activations);
  onDifferences?.(differences);
  const sink = new HashedFiles(out);
  const trained = checkpoint
    ? await trainedAt(decoder, checkpoint, run.initial)
    : await startTraining(decoder, run.recipe, run.initial);
  const about = describeAdapter(model.base, run.recipe, run.initial, model.files.spec);
  try {
    await writeWeights(sink, model.files, trained, about);
    // The run keeps it, and its config says which modules and scales there are.
    if (run.initial) await writeAdapter(inJob(sink, initialFolder), run.initial);
    if (checkpoint) {
      const shapes = shapesOf(model.files);
      const partOf = partsAt(decoder, checkpoint, run.initial);
      await writeOptimizer(sink, partOf, { updates: progress.updates, shapes });
      if (checkpoint.files.some(({ name }) => name === 'best.0')) await writeBest(sink, partOf, shapes);
    }
    onProgress({ kind: 'rows', done: 0, total: plan.steps - step });
    const steps = await writeRows(sink, rows.train, plan, { from: step, packed: run.recipe.packing });
    if (rows.evaluation) await writeTable(sink, 'eval.parquet', rows.evaluation);
    await writeText(sink, 'schedule.json', scheduleJson(run.recipe, plan.steps, steps));
    const curves = run.records.filter(isCurve).map((record) => `${curveJson(record)}\n`);
    await writeText(sink, 'curves.jsonl', curves.join(''));
    const coming = await lossesAhead(
      {
        decoder,
        adapter: trained,
        recipe: run.recipe,
        dataset: rows.train,
        evalDataset: rows.evaluation,
        resume: checkpoint,
        model: fingerprint,
      },
      Math.min(ahead, plan.steps - step),
      (done) => onProgress({ kind: 'ahead', done, total: Math.min(ahead, plan.steps - step) }),
    );
    const losses = [...lossesDone(run.records, step), ...coming];
    await writeText(sink, 'losses_expected.jsonl', jsonLines(losses));
    for (const [path, text] of Object.entries(files)) await writeText(sink, path, text);
    const job: Job = {
      format: JOB_FORMAT,
      name: run.name,
      run: run.id,
      base: { ...run.base, name: publicModelName(run.base.name), fingerprint },
      recipe: run.recipe,
      data: { ...run.data, file: publicName(run.data.file) },
      step,
      totalSteps: plan.steps,
      updates: progress.updates,
      batch: { rows: run.recipe.batch_size * run.recipe.grad_accum, micro: run.recipe.batch_size },
      packed: run.recipe.packing,
      weighted,
      bounds: boundsOf(activations),
      differences,
      resume: {
        progress,
        kernels: { ...(state?.kernels ?? gpu.choices.used) },
        activations,
        seconds: run.seconds,
        elsewhere: run.elsewhere,
      },
      versions: pinnedVersions(files['train.py'] ?? ''),
      files: [],
    };
    await writeText(sink, 'README.md', jobReadme(job, coming.length));
    const described = { ...job, files: sink.files };
    await writeText(out, jobFile, `${JSON.stringify(described, null, 1)}\n`);
    return parseJob(described);
  } finally {
    trained.dispose();
  }
}

/** Writes an adapter as PEFT stores it, or with method "full" the model in F32 beside its config. */
async function writeWeights(
  sink: JobSink,
  files: ModelFiles,
  trained: Trainable,
  about: AdapterDescription,
): Promise<void> {
  if (trained.kind === 'adapter') return writeAdapter(inJob(sink, 'adapter'), await trained.toPeft(about));
  await writeTensors(sink, 'model/model.safetensors', namedRows(trained), shapesOf(files));
  await writeText(sink, 'model/config.json', await readText(files.folder, 'config.json'));
}

/** Writes AdamW's moments as `m.NAME` and `v.NAME`, by the names that the weights have, and the number of updates as `step`. */
async function writeOptimizer(
  sink: JobSink,
  partOf: PartOf,
  { updates, shapes }: { updates: number; shapes: Shapes },
): Promise<void> {
  const m = await partOf('m');
  const v = await partOf('v').catch((error: unknown) => {
    m.dispose();
    throw error;
  });
  try {
    const step = { rows: 1, cols: 1, read: async () => Float32Array.of(updates) };
    const tensors = [...namedRows(m, 'm.'), ...namedRows(v, 'v.'), ['step', step] as [string, PeftSaved]];
    await writeTensors(sink, 'optimizer.safetensors', tensors, shapes);
  } finally {
    m.dispose();
    v.dispose();
  }
}

/** Writes the parameters at the lowest evaluation loss. */
async function writeBest(sink: JobSink, partOf: PartOf, shapes: Shapes): Promise<void> {
  const best = await partOf('best');
  try {
    await writeTensors(sink, bestFile, namedRows(best), shapes);
  } finally {
    best.dispose();
  }
}

/** Gives a part of what a checkpoint has of every trained parameter, in the form of what is trained. */
type PartOf = (part: 'm' | 'v' | 'best') => Promise<Trainable>;

const partsAt =
  (decoder: Decoder, checkpoint: CheckpointData, initial: PeftAdapter | null): PartOf =>
  (part) => {
    const files = checkpoint.files
      .filter(({ name }) => name.startsWith(`${part}.`))
      .map((file): CheckpointFile => ({ ...file, name: file.name.replace(part, 'parameters') }));
    return trainedAt(decoder, { ...checkpoint, files }, initial);
  };

/** Answers to sample prompts are not published. */
const isCurve = ({ kind }: CurveRecord): boolean => kind === 'step' || kind === 'eval';

function jsonLines(values: readonly unknown[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join('');
}
