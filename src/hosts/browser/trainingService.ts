import { readValues } from '../../base/config/sweepAxes.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { throttled } from '../../base/lib/throttle.ts';
import type { RowsPlace, StreamedRows } from '../../content/data/tokens/trainRows.ts';
import type { RunStore } from '../../content/runs/runStore.ts';
import type { Sweep } from '../../content/runs/sweep.ts';
import type { SweepStore } from '../../content/runs/sweepStore.ts';
import type { SweepOptions } from '../../session/sweep/sweepJob.ts';
import type { LoadReports } from '../../session/openModel.ts';
import type { Host } from '../../session/host.ts';
import type { Session } from '../../session/session.ts';
import type { TrainOptions } from '../../session/trainJob.ts';
import { droppedJob, zippedJob } from './jobs.ts';
import type { ModelSource, Progress } from './messages.ts';
import { extraOf, type RunExtra } from './runsService.ts';
import type { ModelRef, RunsApi, SweepEvent, TrainEvent } from './runsProtocol.ts';

/** Seconds between two checkpoints: what a crash may cost. */
const CHECKPOINT_SECONDS = 30;

/** Loaded once there is a sweep. */
const sweepCode = () => import('./sweeps.ts');

type TrainingApi = Pick<
  RunsApi,
  | 'train'
  | 'resumeRun'
  | 'sweep'
  | 'resumeSweep'
  | 'sweeps'
  | 'removeSweep'
  | 'stopTraining'
  | 'pauseTraining'
  | 'answerStorage'
  | 'profileStep'
  | 'openCheckpoint'
  | 'exportJob'
  | 'importJob'
  | 'lrRange'
  | 'stopLrRange'
>;

/** Reports a load as the progress of a long step, a message now and then. */
export function loadReports(onProgress: (progress: Progress) => void): LoadReports {
  const report = throttled(onProgress, ({ done, total }) => done >= total);
  return { onProgress: (done, total) => report({ phase: 'weights', done, total, unit: 'bytes' }) };
}

/**
 * Trains new runs and stored ones, and lets the page stop, pause and profile the one under way.
 * @param source where the open model is from
 * @param sweepStore opened once something asks for it
 * @returns the API, and the id of the stored run that is training, or null
 */
export function createTrainingService(
  session: Session,
  store: () => Promise<RunStore>,
  source: () => ModelSource,
  sweepStore: () => Promise<SweepStore>,
): { api: TrainingApi; training(): string | null } {
  let ending = new AbortController();
  let searching = false;
  let profileNext = false;
  let training: string | null = null;
  let answerStorage: ((answer: 'retry' | 'skip') => void) | null = null;

  const watched = (onEvent: (event: TrainEvent) => void): TrainOptions => {
    ending = new AbortController();
    profileNext = false;
    const loading = throttled(onEvent, (event) => event.kind !== 'loading' || event.done >= event.total);
    return {
      onEvent(event) {
        if (event.kind === 'stored') training = event.id;
        if (event.kind === 'takenOver') training = null;
        loading(event);
      },
      signal: ending.signal,
      checkpointSeconds: CHECKPOINT_SECONDS,
      onStorageFull: () => new Promise((resolve) => (answerStorage = resolve)),
      profile() {
        const wanted = profileNext;
        profileNext = false;
        return wanted;
      },
    };
  };
  const untilEnd = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } finally {
      training = null;
    }
  };

  /** What a sweep reports, and where it is stored. */
  const sweeping = async (onEvent: (event: SweepEvent) => void) => {
    const { reportOf } = await sweepCode();
    const options: SweepOptions = {
      ...watched((event) => onEvent({ kind: 'run', event })),
      onSweep: (sweep, index) => onEvent({ kind: 'sweep', report: reportOf(sweep, index, true) }),
    };
    // Losses are compared, not answers.
    const runExtra: RunExtra = { place: refOf(source()), samples: [] };
    const storage = {
      sweeps: await sweepStore(),
      runs: await store(),
      runExtra,
      extra: { model: session.model.name },
    };
    return { options, storage, report: (sweep: Sweep) => reportOf(sweep, null, false) };
  };

  const api: TrainingApi = {
    async train({ name, rows, evalRows, samples, ...request }, onEvent) {
      const options = watched(onEvent);
      const extra: RunExtra = { place: refOf(source()), samples };
      const train = 'store' in rows ? await storedTrainRows(session.host, rows) : rows;
      const job = { ...request, samples, rows: { train, evaluation: evalRows } };
      return untilEnd(session.train(job, { runs: store, name, extra }, options));
    },
    async resumeRun(id, onEvent) {
      const options = watched(onEvent);
      const runs = await store();
      return untilEnd(
        session.resume(runs, id, options, ({ header }) => ({ samples: extraOf(header).samples })),
      );
    },
    async sweep({ recipe, axes, halving, rows: train, evalRows: evaluation, ...request }, onEvent) {
      const { options, storage, report } = await sweeping(onEvent);
      const { expandGrid } = await import('../../session/sweep/grid.ts');
      const grid = Object.fromEntries(axes.map(({ key, values }) => [key, readValues(values)]));
      const recipes = expandGrid(recipe, grid);
      const job = { ...request, recipes, rows: { train, evaluation }, ...(!halving && { eta: 1 }) };
      return report(await untilEnd(session.sweep(job, storage, options)));
    },
    async resumeSweep(id, onEvent) {
      const { options, storage, report } = await sweeping(onEvent);
      return report(await untilEnd(session.resumeSweep(storage, id, options)));
    },
    async sweeps() {
      const opened = await sweepStore().catch(() => null);
      if (!opened) return [];
      const { reportOf } = await sweepCode();
      return (await opened.list()).map(({ sweep, busy }) => reportOf(sweep, null, busy));
    },
    removeSweep: async (id) => (await sweepStore()).remove(id),
    async stopTraining() {
      ending.abort('stop');
      // A checkpoint that waits for room is skipped; the last is tried all the same.
      answerStorage?.('skip');
    },
    async pauseTraining() {
      ending.abort('pause');
    },
    async answerStorage(answer) {
      answerStorage?.(answer);
    },
    async profileStep() {
      const { hasTimestamps, description } = await session.gpu();
      if (!hasTimestamps) throw new GraftError('gpu.no_timestamps', { adapter: description });
      profileNext = true;
    },
    lrRange(recipe, rows, onPoint, onProgress) {
      searching = true;
      return session.lrRange(recipe, rows, {
        onPoint,
        shouldStop: () => !searching,
        reports: loadReports(onProgress),
      });
    },
    async stopLrRange() {
      searching = false;
    },
    exportJob: async (id) => zippedJob(session, await store(), id),
    async importJob(name, files) {
      const extra: RunExtra = { place: refOf(source()), samples: [] };
      const { header } = await session.importJob(droppedJob(name, files), await store(), extra);
      return header.id;
    },
    openCheckpoint: async (id, step, onProgress) =>
      session.openCheckpoint(await store(), id, step, loadReports(onProgress)),
  };
  return { api, training: () => training };
}

/** The rows of a large file. Throws `data.shards_missing`. */
async function storedTrainRows({ rowShards }: Host, place: RowsPlace): Promise<StreamedRows> {
  const root = await rowShards?.();
  if (!root) throw new GraftError('data.shards_missing');
  const { openShards } = await import('../../content/data/streamed/openShards.ts');
  return (await openShards(root, place)).train;
}

function refOf(source: ModelSource): ModelRef {
  if (source.kind === 'bundled' || source.kind === 'cached') return source;
  return { kind: 'dropped', name: source.name };
}
