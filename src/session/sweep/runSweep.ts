import { differingKeys } from '../../base/config/recipeDiff.ts';
import { sweepRunName } from '../../base/config/runName.ts';
import { GraftError, type ErrorCode } from '../../base/lib/errors.ts';
import { lengthsOf } from '../../content/data/tokens/trainRows.ts';
import type { RunStore } from '../../content/runs/runStore.ts';
import type { Sweep, SweepRun } from '../../content/runs/sweep.ts';
import type { StoredSweep } from '../../content/runs/sweepStore.ts';
import { weightsFingerprint } from '../../engine/model/weights/weightsFingerprint.ts';
import { dataDigest } from '../../engine/train/dataDigest.ts';
import { stepsOf } from '../../engine/train/steps.ts';
import { recipeOfRun } from '../recipeOfRun.ts';
import type { SplitRows } from '../trainJob.ts';
import { checkSweep } from './grid.ts';
import { bestRun, DEFAULT_ETA, defaultRungs, standing, type NextRun } from './halving.ts';
import { RunOfSweep } from './runOfSweep.ts';
import type { SweepJob, SweepOptions, SweepSession, SweepStorage } from './sweepJob.ts';
import { findRun, judgedLoss, runReached, type RunReached, type SweepMark } from './sweepRun.ts';

/** Errors of a recipe, not of the machine: its run has failed, and the others go on. */
const recipeErrors: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'train.diverged',
  'train.not_finite',
  'train.batch_too_large',
  'train.row_too_large',
  'train.kto_one_row',
]);

/**
 * Checks recipes against the model and each other, and stores them as a sweep that has not begun.
 * Throws `train.sweep_*`, `train.recipe_*`, what `recipeOfRun` throws, and what storing throws.
 */
export async function createSweep(
  session: SweepSession,
  job: Omit<SweepJob, 'samples'>,
  { sweeps, extra = null }: SweepStorage,
): Promise<StoredSweep> {
  const { rows, dataFile: file, validationFile: validation, eta = DEFAULT_ETA } = job;
  const { files } = session.model;
  const recipes = job.recipes.map((recipe) => recipeOfRun(files, recipe, null).recipe);
  checkSweep(recipes);
  checkRows(rows);
  const keys = differingKeys(recipes);
  const lengths = lengthsOf(rows.train);
  return sweeps.create({
    data: { file, ...(validation !== undefined && { validation }) },
    fingerprint: await weightsFingerprint(files.checkpoint),
    digest: await dataDigest(rows.train, rows.evaluation),
    eta,
    rungs: job.rungs ?? defaultRungs(recipes.length, eta),
    runs: recipes.map((recipe) => ({
      name: sweepRunName(recipe, keys, file),
      recipe,
      id: null,
      steps: 0,
      totalSteps: stepsOf(recipe, lengths).steps,
      rungs: [],
      end: null,
    })),
    extra,
  });
}

/**
 * Trains a sweep from where it is to its end, or to where its signal aborts: the run in progress is then paused. In the end
 * the session's result is the best run's.
 * The caller opened the sweep and closes it.
 * Throws `train.resume_other_model`, `train.resume_other_data`, `runs.*`, and what training throws that is not one recipe's
 * fault.
 */
export async function runSweep(
  session: SweepSession,
  stored: StoredSweep,
  job: Pick<SweepJob, 'rows' | 'changes' | 'samples'>,
  storage: SweepStorage,
  options: SweepOptions = {},
): Promise<Sweep> {
  await checkSame(session, stored.sweep, job.rows);
  for (;;) {
    const { next } = standing(stored.sweep);
    if (!next || options.signal?.aborted) break;
    await trainNext(session, stored, next, job, storage, options);
    options.onSweep?.(stored.sweep, null);
  }
  await holdBest(session, stored.sweep, storage.runs);
  return stored.sweep;
}

function checkRows({ evaluation }: SplitRows): void {
  if (!evaluation || lengthsOf(evaluation).length === 0) throw new GraftError('train.sweep_no_eval_rows');
}

async function checkSame(session: SweepSession, sweep: Sweep, rows: SplitRows): Promise<void> {
  const { checkpoint } = session.model.files;
  if ((await weightsFingerprint(checkpoint)) !== sweep.fingerprint)
    throw new GraftError('train.resume_other_model');
  if ((await dataDigest(rows.train, rows.evaluation)) !== sweep.digest)
    throw new GraftError('train.resume_other_data');
}

/** Trains a run up to its next rung or its end, as far as that was not done before a crash, and notes what came of it. */
async function trainNext(
  session: SweepSession,
  stored: StoredSweep,
  next: NextRun,
  job: Pick<SweepJob, 'rows' | 'changes' | 'samples'>,
  storage: SweepStorage,
  options: SweepOptions,
): Promise<void> {
  const { index, until } = next;
  const { runs } = storage;
  const { sweep } = stored;
  const { recipe, name, id: noted } = sweep.runs[index]!;
  const id = noted ?? (await findRun(runs, sweep.id, index));
  const before = id === null ? null : await runReached(runs, id);
  if (id !== noted) await stored.change(index, { id });
  if (before && (before.state !== null || (until !== null && before.step >= until)))
    return stored.change(index, reached(stored.sweep.runs[index]!, next, before));
  const work = new RunOfSweep(stored, next, new Map(before?.losses), options);
  options.onSweep?.(stored.sweep, index);
  const begin = () => {
    const mark: SweepMark = { sweep: { id: sweep.id, index } };
    const { file: dataFile, validation: validationFile } = sweep.data;
    const extra = { ...storage.runExtra, ...mark };
    return session.train(
      { ...job, recipe, dataFile, validationFile },
      { runs: async () => runs, name, required: true, extra },
      work.options,
    );
  };
  const goOn = (run: string) =>
    session.resume(runs, run, work.options, () => ({ samples: job.samples ?? [] }));
  try {
    const { ended, steps } = await (id !== null && before ? goOn(id) : begin());
    await work.noted();
    const state = ended === 'whole' || ended === 'early' ? 'done' : null;
    // Paused from outside before the rung.
    const isShort = state === null && (until === null || steps < until);
    const now = { state, failure: null, step: steps, losses: work.losses } as const;
    await stored.change(index, isShort ? { steps } : reached(stored.sweep.runs[index]!, next, now));
  } catch (error) {
    await work.noted();
    if (!(error instanceof GraftError) || !recipeErrors.has(error.code)) throw error;
    const failure = { code: error.code, params: error.params };
    await stored.change(index, { steps: work.steps, end: { kind: 'failed', loss: null, failure } });
  } finally {
    work.dispose();
  }
}

/** What is noted of a run that has reached its rung or its end. */
function reached(
  run: SweepRun,
  { rung }: NextRun,
  { state, step, losses, failure }: RunReached,
): Partial<SweepRun> {
  if (state === 'failed') return { end: { kind: 'failed', loss: null, failure } };
  const loss = judgedLoss(run.recipe, losses, step);
  if (state === 'done') return { steps: step, end: { kind: 'finished', loss, failure: null } };
  return { steps: step, rungs: [...run.rungs.slice(0, rung ?? 0), loss] };
}

/** Makes the best run's parameters the session's result. */
async function holdBest(session: SweepSession, sweep: Sweep, runs: RunStore): Promise<void> {
  const best = bestRun(sweep);
  const id = best === null ? null : sweep.runs[best]!.id;
  if (id === null || standing(sweep).next) return;
  const reachedNow = await runReached(runs, id);
  if (!reachedNow) return;
  const { recipe } = sweep.runs[best!]!;
  const lowest = [...reachedNow.losses].sort(([, a], [, b]) => a - b)[0];
  const step = recipe.load_best && lowest ? lowest[0] : reachedNow.step;
  const { checkpoints } = await runs.look(id);
  if (checkpoints.some((one) => one.step === step)) await session.openCheckpoint(runs, id, step);
}
