import type { Elsewhere } from '../../base/config/runRecord.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { bestFile, initialFolder, resultFolder, type Job } from '../../content/job/jobFile.ts';
import type { JobSource } from '../../content/job/jobFolder.ts';
import {
  folderIn,
  readJob,
  readJobCurves,
  readJobRows,
  readResult,
  readTargets,
  type Result,
} from '../../content/job/readJob.ts';
import { rowLengths } from '../../content/data/tokens/tokenize.ts';
import { readAdapter } from '../../content/formats/peft.ts';
import { initialAdapterFiles } from '../../content/runs/initialAdapter.ts';
import type { CurveRecord } from '../../content/runs/curveLog.ts';
import type { RunHeader } from '../../content/runs/header.ts';
import type { RunStore } from '../../content/runs/runStore.ts';
import { tokenRowFiles } from '../../content/runs/tokenRowFiles.ts';
import { weightsFingerprint } from '../../engine/model/weights/weightsFingerprint.ts';
import { readProgress, type CheckpointState } from '../../engine/train/checkpointState.ts';
import { dataDigest } from '../../engine/train/dataDigest.ts';
import { noteEvaluation } from '../../engine/train/evalTracker.ts';
import { stepsOf } from '../../engine/train/steps.ts';
import { noteStep, type TrainProgress } from '../../engine/train/trainProgress.ts';
import { recipeOfRun } from '../recipeOfRun.ts';
import type { TrainContext } from '../trainModel.ts';
import { readTrained, type NamedBest } from './readTrained.ts';

/** A job that was taken back. */
export interface ImportedJob {
  header: RunHeader;
  /** The step that the run is after now, and how many of its steps a cluster did. */
  step: number;
  steps: number;
}

/**
 * Takes a job back as a stored run: with what a cluster trained of it, or where it has no result as it was exported, to
 * the same bits. Nothing is stored before all of it was checked.
 * @param extra any JSON the host needs to open the run again
 * Throws `job.*`, `train.resume_other_model`, and what writing throws.
 */
export async function importJob(
  { gpu, model }: Pick<TrainContext, 'gpu' | 'model'>,
  source: JobSource,
  runs: RunStore,
  extra: unknown = null,
): Promise<ImportedJob> {
  const job = await readJob(source);
  const { recipe, totalSteps } = job;
  const fingerprint = await weightsFingerprint(model.files.checkpoint);
  if (fingerprint !== job.base.fingerprint) throw new GraftError('train.resume_other_model');
  const result = await readResult(source, job);
  const { train, evaluation, contextTokens } = await readJobRows(source, job);
  const before = readProgress(job.resume.progress);
  const planned = stepsOf(recipe, rowLengths(train)).steps;
  const other = [
    [before.step, job.step, 'steps were done'],
    [planned, totalSteps, 'steps are those of its rows and its recipe'],
  ] as const;
  for (const [found, said, what] of other)
    if (found !== said)
      throw new GraftError('job.not_a_job', { folder: source.name, detail: `${found} ${what}, not ${said}` });
  const progress = result ? progressAfter(before, job, result) : before;
  const { step } = progress;
  const initial = job.files.some(({ path }) => path.startsWith(`${initialFolder}/`))
    ? await readAdapter(await folderIn(source, initialFolder))
    : null;
  if (initial) recipeOfRun(model.files, recipe, initial);
  // Before its first step a run has nothing but its rows, and the adapter that it continues.
  const trained =
    step === 0
      ? null
      : await readTrained(gpu, model.files.spec, {
          recipe,
          initial,
          source,
          folder: result && resultFolder,
          best: bestOf(job, progress),
        });
  if (trained && trained.updates !== progress.updates)
    throw new GraftError('job.result', {
      file: 'optimizer.safetensors',
      detail: `it is of ${trained.updates} updates, not ${progress.updates}`,
    });
  const records = [
    ...(await readJobCurves(source, job)),
    ...(result ? recordsOf(result, await readTargets(source), contextTokens) : []),
  ];
  const { kernels, activations, seconds } = job.resume;
  const identity = { data: await dataDigest(train, evaluation), model: fingerprint };
  const state: CheckpointState = { version: 1, recipe, identity, kernels, progress };
  const evalLoss = records.findLast(({ kind }) => kind === 'eval');
  // In one go: a part of it would be taken for a run that has just begun.
  const run = await runs.create({
    name: await runs.freeName(job.name),
    recipe,
    data: job.data,
    base: job.base,
    extra,
    files: [
      ...tokenRowFiles('train', train),
      ...(evaluation ? tokenRowFiles('eval', evaluation) : []),
      ...(initial ? await initialAdapterFiles(initial) : []),
    ],
    totalSteps,
    kernels,
    activations,
    elsewhere: elsewhereOf(job, result),
    reached: {
      state: step >= totalSteps ? 'done' : 'paused',
      progress: {
        step,
        loss: progress.loss,
        evalLoss: evalLoss?.kind === 'eval' ? evalLoss.loss : null,
        seconds,
      },
      records,
      checkpoint: trained && { step, state, files: trained.files },
      evalLoss: evalLossAt(records, step),
    },
  });
  await run.close();
  return { header: run.header, step, steps: result?.steps ?? 0 };
}

/** Where a run is after the steps of a cluster, as if they had been its own. */
function progressAfter(before: TrainProgress, { recipe }: Job, result: Result): TrainProgress {
  const progress = structuredClone(before);
  for (const one of result.done) {
    noteStep(progress, { ...one, skipped: false, spike: false });
    const evaluation = result.evaluations.find(({ step }) => step === one.step);
    if (!evaluation) continue;
    const { best } = progress;
    noteEvaluation(progress, evaluation.loss, recipe.min_delta);
    // Of the steps there only the last one's parameters are known.
    if (recipe.load_best && one.step !== result.step) progress.best = best;
  }
  return progress;
}

/** The steps of a run that were done on clusters, those of this job included. */
function elsewhereOf({ step, resume }: Job, result: Result | null): Elsewhere | undefined {
  const visits = resume.elsewhere ?? [];
  if (!result) return resume.elsewhere;
  const { ranks, dtype, versions, step: to } = result;
  return [...visits, { from: step + 1, to, ranks, dtype, versions }];
}

/** Where the parameters are that a run ends with, if it ends with its best. */
function bestOf({ recipe, files }: Job, { best, step }: TrainProgress): NamedBest {
  if (!recipe.load_best || !best) return null;
  if (best.step === step) return 'now';
  return files.some(({ path }) => path === bestFile) ? 'stored' : null;
}

/** The curves of a cluster's steps. */
function recordsOf(
  { done, evaluations }: Result,
  targets: ReadonlyMap<number, number>,
  contextTokens: ReadonlyMap<number, number>,
): CurveRecord[] {
  const at = Date.now();
  return done.flatMap(({ step, ...numbers }): CurveRecord[] => {
    const tokens = { tokens: targets.get(step) ?? 0, contextTokens: contextTokens.get(step) ?? 0 };
    const evaluation = evaluations.find((one) => one.step === step);
    return [
      { kind: 'step', step, at, ...numbers, ...tokens, skipped: false },
      ...(evaluation ? [{ kind: 'eval', step, at, loss: evaluation.loss } as const] : []),
    ];
  });
}

/** The loss of the evaluation after a step; null where there was none. */
function evalLossAt(records: readonly CurveRecord[], step: number): number | null {
  const found = records.findLast((record) => record.kind === 'eval' && record.step === step);
  return found?.kind === 'eval' ? found.loss : null;
}
