import type { Recipe } from '../config/recipe.ts';
import type { RowChanges } from '../config/runRecord.ts';
import type { TokenRows } from '../data/tokenRows.ts';
import { rowLengths } from '../data/tokenize.ts';
import type { KernelChoices } from '../gpu/choices.ts';
import { TunedChoices } from '../gpu/choices.ts';
import type { Gpu } from '../gpu/device.ts';
import { Profiler } from '../gpu/profiler.ts';
import { GraftError, messageOf } from '../lib/errors.ts';
import { quantizationOf } from '../model/openDecoder.ts';
import { weightsFingerprint } from '../model/weightsFingerprint.ts';
import type { CurveRecord } from '../runs/curveLog.ts';
import type { Run } from '../runs/run.ts';
import type { RunStore } from '../runs/runStore.ts';
import { readTokenRows, tokenRowFiles } from '../runs/tokenRowFiles.ts';
import type { CheckpointData } from '../runs/types.ts';
import { trainedAt } from '../train/checkpointAdapter.ts';
import { lrRange } from '../train/lrRange.ts';
import { runLog } from '../train/runRecord.ts';
import { describeAdapter } from '../train/startAdapter.ts';
import { startTraining } from '../train/startTraining.ts';
import { stepsOf } from '../train/steps.ts';
import { train } from '../train/trainer.ts';
import { readTrainState } from '../train/trainState.ts';
import { KeptTraining } from './keptTraining.ts';
import { loadForRun } from './loadForRun.ts';
import { loadingReporter } from './loadingReporter.ts';
import type { OpenedModel } from './openedModel.ts';
import type { ModelSource, Progress } from './protocol.ts';
import { errorFacts, type Throwing } from './result.ts';
import { extraOf, type RunExtra } from './runsDesk.ts';
import type { ModelPlace, RunsApi, SamplePrompt, TrainEvent, TrainOutcome } from './runsProtocol.ts';
import { sampler } from './sampler.ts';
import { TrainingRun } from './trainingRun.ts';
import { trainReporter } from './trainReporter.ts';

/** Seconds between two checkpoints: what a crash may cost. */
const CHECKPOINT_SECONDS = 30;

/** What training needs of the engine. */
export interface TrainingPlace {
  device(): Promise<Gpu>;
  opened(): OpenedModel;
  store(): Promise<RunStore>;
  choices(gpu: Gpu): Promise<KernelChoices>;
  /** Jobs of the GPU wait for each other. */
  inTurn<T>(job: () => Promise<T>): Promise<T>;
  /** Takes what was trained; what was kept before goes. */
  keep(trained: KeptTraining): void;
}

/** A run about to be trained, from its beginning or from where it was. */
interface Begun {
  recipe: Recipe;
  dataFile: string;
  changes?: RowChanges | undefined;
  rows: { train: TokenRows; evaluation: TokenRows | null };
  samples: readonly SamplePrompt[];
  /** What it has told before. */
  records: readonly CurveRecord[];
  checkpoint: CheckpointData | null;
  /** Kernels it took before; null for those that are best here. */
  kernels: Readonly<Record<string, string>> | null;
  /** Stores it, once it is known that it can run. */
  store(gpu: Gpu, fingerprint: string): Promise<Run | null>;
}

type TrainingApi = Pick<
  RunsApi,
  | 'train'
  | 'resumeRun'
  | 'stopTraining'
  | 'pauseTraining'
  | 'answerStorage'
  | 'profileStep'
  | 'openCheckpoint'
  | 'lrRange'
  | 'stopLrRange'
>;

/** Trains: new runs and stored ones. One at a time; `training` tells the id of the stored one. */
export function createTrainingDesk(place: TrainingPlace): {
  api: Throwing<TrainingApi>;
  training(): string | null;
} {
  let wanted: 'on' | 'stop' | 'pause' = 'on';
  let profileWanted = false;
  let sweeping = false;
  let current: TrainingRun | null = null;

  const runTraining = async (begun: Begun, onEvent: (e: TrainEvent) => void): Promise<TrainOutcome> => {
    profileWanted = false;
    const start = performance.now();
    const { base, files, tokenizer } = place.opened();
    const { recipe, rows, checkpoint } = begun;
    const gpu = await place.device();
    const choices = begun.kernels ? new TunedChoices(begun.kernels) : await place.choices(gpu);
    const { decoder, preparation } = await loadForRun(
      gpu,
      place.opened(),
      { recipe, rows, choices },
      {
        onProgress: loadingReporter((progress) => onEvent({ kind: 'loading', progress })),
        onNotKept: (error) => onEvent({ kind: 'notKept', detail: messageOf(error) }),
      },
    );
    onEvent({ kind: 'phase', phase: 'adapter' });
    const trained = await startTraining(decoder, recipe);
    const log = runLog({
      ...{ base: files.folder, dataFile: begun.dataFile, changes: begun.changes },
      ...{ rows, recipe, choices: gpu.choices },
    });
    const about = describeAdapter(base, recipe, null);
    const training = {
      quantize: quantizationOf(recipe),
      evalRows: rows.evaluation,
      record: log.record,
    };
    place.keep(new KeptTraining(trained, about, training));
    const fingerprint = await weightsFingerprint(files.checkpoint);
    const stored = new TrainingRun(await begun.store(gpu, fingerprint), onEvent);
    current = stored;
    for (const record of begun.records) {
      if (record.kind === 'step') log.step(record);
      if (record.kind === 'eval') log.evaluated(record.step, record.loss);
    }
    const ask = sampler(decoder, trained, tokenizer, begun.samples, (step, prompt, text) => {
      stored.sampled(step, prompt, text);
      onEvent({ kind: 'sample', step, prompt, text });
    });
    const reporter = trainReporter(onEvent, gpu.memory, trained.parameters);
    let first = true;
    try {
      // What the model says before it has learned anything, to compare with.
      if (!checkpoint) await ask(0);
      reporter.begin();
      const outcome = await train({
        decoder,
        adapter: trained,
        recipe,
        dataset: rows.train,
        evalDataset: rows.evaluation,
        checkpoints:
          stored.id === null
            ? null
            : {
                seconds: CHECKPOINT_SECONDS,
                model: fingerprint,
                save: (saved) => stored.save(saved),
              },
        resume: checkpoint,
        onStep: (report) => {
          log.step(report);
          stored.step(report);
          reporter.step(report);
          if (!first) return;
          first = false;
          onEvent({ kind: 'firstStep', seconds: (performance.now() - start) / 1000, preparation });
        },
        onEval: (step, loss) => {
          log.evaluated(step, loss);
          stored.evaluated(step, loss);
          onEvent({ kind: 'eval', step, loss });
        },
        onCheckpoint: ask,
        profiler: () => {
          if (!profileWanted) return null;
          profileWanted = false;
          return new Profiler(gpu);
        },
        onProfile: (step, profile) => onEvent({ kind: 'profile', step, profile }),
        shouldStop: () => wanted !== 'on',
      });
      const ended = outcome.stopped
        ? wanted === 'pause'
          ? 'paused'
          : 'stopped'
        : outcome.stoppedEarly
          ? 'early'
          : 'whole';
      await stored.end(ended);
      const { steps, finalLoss, best, keptStep: step } = outcome;
      const kept = { step, stored: stored.has(step) };
      return { steps, ended, finalLoss, best, kept, seconds: stored.seconds };
    } catch (error) {
      await stored.fail(error);
      throw error;
    } finally {
      current = null;
    }
  };

  const api: Throwing<TrainingApi> = {
    train: ({ recipe, name, dataFile, changes, rows, evalRows, samples }, onEvent) => {
      wanted = 'on';
      return place.inTurn(() => {
        const all = { train: rows, evaluation: evalRows };
        return runTraining(
          {
            ...{ recipe, dataFile, changes, samples, rows: all },
            ...{ records: [], checkpoint: null, kernels: null },
            async store(gpu, fingerprint) {
              const model = place.opened();
              const log = runLog({
                base: model.files.folder,
                ...{ dataFile, changes },
                rows: all,
                recipe,
                choices: gpu.choices,
              });
              const { base, data } = log.record();
              const extra: RunExtra = { place: placeOf(model.source), samples };
              try {
                const run = await (
                  await place.store()
                ).create({
                  ...{ name, recipe, data, extra },
                  base: { ...base, fingerprint },
                  files: [
                    ...tokenRowFiles('train', rows),
                    ...(evalRows ? tokenRowFiles('eval', evalRows) : []),
                  ],
                  totalSteps: stepsOf(recipe, rowLengths(rows)).steps,
                  kernels: { ...gpu.choices.used },
                });
                onEvent({ kind: 'stored', id: run.id });
                return run;
              } catch (error) {
                // A private window, or no room: training is worth more than its safety net.
                onEvent({ kind: 'notStored', error: errorFacts(error) });
                return null;
              }
            },
          },
          onEvent,
        );
      });
    },

    resumeRun: (id, onEvent) => {
      wanted = 'on';
      return place.inTurn(async () => {
        const run = await (await place.store()).open(id);
        try {
          if (!run.owned) throw new GraftError('runs.in_use', { run: run.header.name });
          // Before anything of it is changed.
          await checkModel(run, place.opened());
          const { checkpoint, passedOver } = await run.load();
          const rows = await rowsOf(run);
          const step = checkpoint?.step ?? 0;
          await run.resumeFrom(step);
          await run.change({ state: 'running', failure: null });
          onEvent({ kind: 'stored', id });
          onEvent({ kind: 'resumed', step, passedOver: passedOver.length });
          const { recipe, data, kernels } = run.header;
          return await runTraining(
            {
              ...{
                recipe,
                checkpoint,
                dataFile: data.file,
                changes: data.changes,
                samples: extraOf(run.header).samples,
              },
              rows,
              records: (await run.curves()).records,
              kernels: checkpoint ? readTrainState(checkpoint).kernels : kernels,
              store: async () => run,
            },
            onEvent,
          );
        } finally {
          await run.close();
        }
      });
    },

    lrRange: (recipe, rows, onPoint, onProgress) => {
      sweeping = true;
      return place.inTurn(async () => {
        const gpu = await place.device();
        const all = { train: rows, evaluation: null };
        const { decoder } = await loadForRun(
          gpu,
          place.opened(),
          { recipe, rows: all, choices: await place.choices(gpu) },
          { onProgress: loadingReporter(onProgress) },
        );
        const trained = await startTraining(decoder, recipe);
        try {
          const shouldStop = () => !sweeping;
          return await lrRange({ decoder, adapter: trained, recipe, dataset: rows, onPoint, shouldStop });
        } finally {
          trained.dispose();
        }
      });
    },
    async stopLrRange() {
      sweeping = false;
      return null;
    },

    async stopTraining() {
      wanted = 'stop';
      // A checkpoint that waits for room is done without; the last is tried all the same.
      current?.answer('without');
      return null;
    },
    async pauseTraining() {
      wanted = 'pause';
      return null;
    },
    async answerStorage(given) {
      current?.answer(given);
      return null;
    },

    async profileStep() {
      const { hasTimestamps, description } = await place.device();
      if (!hasTimestamps) throw new GraftError('gpu.no_timestamps', { adapter: description });
      profileWanted = true;
      return null;
    },

    openCheckpoint: (id, step, onProgress) =>
      place.inTurn(async () => {
        const run = await (await place.store()).look(id);
        place.keep(await checkpointOf(run, step, place, onProgress));
        return null;
      }),
  };
  return { api, training: () => current?.id ?? null };
}

/** What was trained up to a checkpoint of a run. Throws `train.resume_other_model`, `runs.*`. */
async function checkpointOf(
  run: Run,
  step: number,
  place: TrainingPlace,
  onProgress: (progress: Progress) => void,
): Promise<KeptTraining> {
  const model = place.opened();
  const { recipe, data } = run.header;
  await checkModel(run, model);
  const { checkpoint } = await run.load(step);
  if (!checkpoint) throw new GraftError('runs.no_such_step', { run: run.header.name, step });
  const rows = await rowsOf(run);
  const gpu = await place.device();
  const choices = new TunedChoices(run.header.kernels);
  const { decoder } = await loadForRun(
    gpu,
    model,
    { recipe, rows, choices },
    {
      onProgress: loadingReporter(onProgress),
    },
  );
  const trained = await trainedAt(decoder, checkpoint);
  const { records } = await run.curves();
  const log = runLog({
    base: model.files.folder,
    ...{ dataFile: data.file, changes: data.changes },
    rows,
    recipe,
    choices,
  });
  for (const record of records) {
    if (record.step > step) continue;
    if (record.kind === 'step') log.step(record);
    if (record.kind === 'eval') log.evaluated(record.step, record.loss);
  }
  const training = { quantize: quantizationOf(recipe), evalRows: rows.evaluation, record: log.record };
  return new KeptTraining(trained, describeAdapter(model.base, recipe, null), training);
}

/** Throws `train.resume_other_model` where a run was not trained on the open model. */
async function checkModel(run: Run, model: OpenedModel): Promise<void> {
  if ((await weightsFingerprint(model.files.checkpoint)) !== run.header.base.fingerprint)
    throw new GraftError('train.resume_other_model');
}

/** The rows that a run was stored with. Throws `runs.damaged`. */
async function rowsOf(run: Run): Promise<Begun['rows']> {
  const files = await run.dataFiles();
  const train = await readTokenRows('train', files);
  if (!train) throw new GraftError('runs.damaged', { run: run.header.name, step: 0, file: 'train.ids' });
  return { train, evaluation: await readTokenRows('eval', files) };
}

function placeOf(source: ModelSource): ModelPlace {
  if (source.kind === 'bundled' || source.kind === 'cached') return source;
  return { kind: 'dropped', name: source.name };
}
