import { GraftError } from '../../base/lib/errors.ts';
import { throttled } from '../../base/lib/throttle.ts';
import type { RunStore } from '../../content/runs/runStore.ts';
import type { LoadReports } from '../../session/openModel.ts';
import type { Session } from '../../session/session.ts';
import type { TrainOptions } from '../../session/trainJob.ts';
import { droppedJob, zippedJob } from './jobs.ts';
import type { ModelSource, Progress } from './messages.ts';
import { extraOf, type RunExtra } from './runsService.ts';
import type { ModelRef, RunsApi, TrainEvent } from './runsProtocol.ts';

/** Seconds between two checkpoints: what a crash may cost. */
const CHECKPOINT_SECONDS = 30;

type TrainingApi = Pick<
  RunsApi,
  | 'train'
  | 'resumeRun'
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
 * @returns the API, and the id of the stored run that is training, or null
 */
export function createTrainingService(
  session: Session,
  store: () => Promise<RunStore>,
  source: () => ModelSource,
): { api: TrainingApi; training(): string | null } {
  let ending = new AbortController();
  let sweeping = false;
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

  const api: TrainingApi = {
    async train({ name, rows, evalRows, samples, ...request }, onEvent) {
      const options = watched(onEvent);
      const extra: RunExtra = { place: refOf(source()), samples };
      const job = { ...request, samples, rows: { train: rows, evaluation: evalRows } };
      return untilEnd(session.train(job, { runs: store, name, extra }, options));
    },
    async resumeRun(id, onEvent) {
      const options = watched(onEvent);
      const runs = await store();
      return untilEnd(
        session.resume(runs, id, options, ({ header }) => ({ samples: extraOf(header).samples })),
      );
    },
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
      sweeping = true;
      return session.lrRange(recipe, rows, {
        onPoint,
        shouldStop: () => !sweeping,
        reports: loadReports(onProgress),
      });
    },
    async stopLrRange() {
      sweeping = false;
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

function refOf(source: ModelSource): ModelRef {
  if (source.kind === 'bundled' || source.kind === 'cached') return source;
  return { kind: 'dropped', name: source.name };
}
