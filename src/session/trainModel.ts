import type { Recipe } from '../base/config/recipe.ts';
import { errorFacts } from '../base/lib/errorFacts.ts';
import { GraftError, messageOf } from '../base/lib/errors.ts';
import { lengthsOf, rowsInMemory } from '../content/data/tokens/trainRows.ts';
import { recipeAsBegun } from '../content/runs/header.ts';
import type { StoredRun } from '../content/runs/storedRun.ts';
import { TunedChoices } from '../engine/gpu/choices.ts';
import type { Gpu } from '../engine/gpu/device.ts';
import { Profiler } from '../engine/gpu/profiler.ts';
import type { Decoder } from '../engine/model/decoder/decoder.ts';
import type { Trainable } from '../engine/model/trained/trainable.ts';
import { quantizationOf } from '../engine/model/weights/openDecoder.ts';
import { weightsFingerprint } from '../engine/model/weights/weightsFingerprint.ts';
import { trainedAt } from '../engine/train/checkpointAdapter.ts';
import { runLog } from '../engine/train/runLog.ts';
import { describeAdapter } from '../engine/train/startAdapter.ts';
import { startTraining } from '../engine/train/startTraining.ts';
import { stepsOf } from '../engine/train/steps.ts';
import { train, type TrainOutcome as TrainerOutcome } from '../engine/train/trainer.ts';
import { completionScorer, type CompletionScorer } from './completionScorer.ts';
import type { Host } from './host.ts';
import { loadForRun } from './loadForRun.ts';
import type { LoadReports, OpenModel } from './openModel.ts';
import { RunRecorder, type RunLog } from './runRecorder.ts';
import { sampler } from './sampler.ts';
import { stepMeter } from './stepMeter.ts';
import {
  checkInitialOf,
  checkModel,
  createStoredRun,
  storedInitial,
  storedRows,
  type ResumableRun,
} from './storedRun.ts';
import { TrainedResult } from './trainedResult.ts';
import type { RunStorage, TrainJob, TrainOptions, TrainOutcome } from './trainJob.ts';
import type { RunStore } from '../content/runs/runStore.ts';

/** Seconds between two checkpoints where nobody says. */
const CHECKPOINT_SECONDS = 30;

/** What a training needs of its session. */
export interface TrainContext {
  host: Host;
  gpu: Gpu;
  model: OpenModel;
  /** Takes what is being trained; what was held before goes. */
  hold(result: TrainedResult): void;
}

/**
 * Trains by a job from its beginning. What is trained is held by the session from the first step on, however the run ends.
 * @param storage where the run is stored; null trains without checkpoints
 * Throws what loading and `train` throw, and what storing throws where storage is required.
 */
export function trainModel(
  context: TrainContext,
  job: TrainJob,
  storage: RunStorage | null,
  options: TrainOptions,
): Promise<TrainOutcome> {
  const store = async (log: RunLog, fingerprint: string): Promise<StoredRun | null> => {
    if (!storage) return null;
    try {
      const run = await createStoredRun(storage, job, log, fingerprint);
      options.onEvent?.({ kind: 'stored', id: run.id });
      return run;
    } catch (error) {
      if (storage.required) throw error;
      // A private window, or no room: training is worth more than its safety net.
      options.onEvent?.({ kind: 'notStored', error: errorFacts(error) });
      return null;
    }
  };
  return runTraining(context, job, null, store, options);
}

/**
 * Continues a stored run from its last checkpoint, or where it has none from its beginning, to the same bits. The adapter that it
 * began with is its own copy; the job's, where it has one, must be the same.
 * The caller opened it and closes it.
 * Throws `train.resume_*`, `runs.*`, and what `trainModel` throws.
 */
export async function resumeTraining(
  context: TrainContext,
  resumed: ResumableRun,
  job: TrainJob,
  options: TrainOptions,
): Promise<TrainOutcome> {
  if (job.initial) await checkInitialOf(resumed.run, job.initial);
  return runTraining(
    context,
    {
      ...job,
      kernels: resumed.kernels,
      activations: resumed.run.header.activations ?? 'f32',
      elsewhere: resumed.run.header.elsewhere,
      initial: await storedInitial(resumed.run),
    },
    resumed,
    async () => resumed.run,
    options,
  );
}

/**
 * The parameters that a stored run had at a checkpoint, on weights in any form, for answers beside the session's result.
 * The caller disposes of them. Throws `train.resume_other_model`, `runs.*`.
 * @param load the weights that are loaded already, or those of the run's recipe
 */
export async function parametersAt(
  model: OpenModel,
  runs: RunStore,
  id: string,
  step: number,
  load: (recipe: Recipe) => Promise<Decoder>,
): Promise<Trainable> {
  const run = await runs.look(id);
  await checkModel(run, model);
  const { checkpoint } = await run.load(step);
  if (!checkpoint) throw new GraftError('runs.no_such_step', { run: run.header.name, step });
  return trainedAt(await load(recipeAsBegun(run.header)), checkpoint, await storedInitial(run));
}

/** What was trained up to a checkpoint of a stored run. Throws `train.resume_other_model`, `runs.*`. */
export async function resultAt(
  { host, gpu, model }: Pick<TrainContext, 'host' | 'gpu' | 'model'>,
  runs: RunStore,
  id: string,
  step: number,
  reports: LoadReports,
): Promise<TrainedResult> {
  const run = await runs.look(id);
  const { recipe, data, kernels, name } = run.header;
  await checkModel(run, model);
  const { checkpoint } = await run.load(step);
  if (!checkpoint) throw new GraftError('runs.no_such_step', { run: name, step });
  const rows = await storedRows(run, host);
  const choices = new TunedChoices(kernels);
  const asBegun = { recipe: recipeAsBegun(run.header), rows, choices };
  const { decoder } = await loadForRun(gpu, model, asBegun, reports);
  const initial = await storedInitial(run);
  const trained = await trainedAt(decoder, checkpoint, initial);
  const log = runLog({
    base: model.files.folder,
    dataFile: data.file,
    changes: data.changes,
    validationFile: data.validation,
    rows,
    recipe,
    choices,
    activations: decoder.type,
    elsewhere: run.header.elsewhere,
  });
  const recorder = new RunRecorder(log, null, {});
  recorder.replay((await run.curves()).records.filter((record) => record.step <= step));
  return resultOf(model, { recipe, rows, initial }, trained, recorder);
}

function resultOf(
  model: OpenModel,
  { recipe, rows, initial = null }: Pick<TrainJob, 'recipe' | 'rows' | 'initial'>,
  trained: TrainedResult['trained'],
  recorder: RunRecorder,
): TrainedResult {
  return new TrainedResult(trained, describeAdapter(model.base, recipe, initial, model.files.spec), {
    quantize: quantizationOf(recipe),
    evalRows: rows.evaluation,
    record: () => recorder.record,
    metrics: () => recorder.metrics,
  });
}

async function runTraining(
  { host, gpu, model, hold }: TrainContext,
  job: TrainJob,
  resumed: ResumableRun | null,
  store: (log: RunLog, fingerprint: string) => Promise<StoredRun | null>,
  options: TrainOptions,
): Promise<TrainOutcome> {
  const start = performance.now();
  const {
    recipe,
    rows,
    dataFile,
    changes,
    validationFile,
    kernels,
    activations,
    samples = [],
    initial = null,
  } = job;
  const { onEvent = () => undefined, signal, checkpointSeconds = CHECKPOINT_SECONDS } = options;
  const choices = kernels ? new TunedChoices(kernels) : (await host.tunedKernels(gpu)).choices();
  const { decoder, preparation, streaming } = await loadForRun(
    gpu,
    model,
    { recipe: activations ? recipeAsBegun({ recipe, activations }) : recipe, rows, choices },
    {
      onProgress: (done, total) => onEvent({ kind: 'loading', done, total }),
      onNotCached: (error) => onEvent({ kind: 'notCached', detail: messageOf(error) }),
    },
  );
  onEvent({ kind: 'loaded', streaming, layers: decoder.spec.layers });
  const adapter = await startTraining(decoder, recipe, initial, {
    ...(resumed?.checkpoint && { unused: 'restored' }),
    signal,
    onProgress: (done, total) => onEvent({ kind: 'initializing', done, total }),
  });
  const log = runLog({
    base: model.files.folder,
    dataFile,
    changes,
    validationFile,
    rows,
    recipe,
    choices: gpu.choices,
    kernelKind: gpu.kernelKind,
    activations: decoder.type,
    elsewhere: job.elsewhere,
  });
  const fingerprint = await weightsFingerprint(model.files.checkpoint);
  const stored = await store(log, fingerprint).catch((error: unknown) => {
    adapter.dispose();
    throw error;
  });
  const recorder = new RunRecorder(log, stored, options);
  recorder.replay(resumed?.records ?? []);
  hold(resultOf(model, job, adapter, recorder));
  const answerSamples = sampler(decoder, adapter, model, samples, (...sample) => recorder.sampled(...sample));
  const ask = async (step: number): Promise<void> => {
    if (samples.length > 0) onEvent({ kind: 'answering', step, prompts: samples.length });
    await answerSamples(step);
  };
  let firstStep = true;
  let scorer: CompletionScorer | null = null;
  try {
    if (recipe.objective !== 'sft')
      scorer = await completionScorer(
        host,
        recipe,
        model.tokenizer,
        rowsInMemory(rows.train, recipe.objective),
      );
    // What the model says before it has learned anything, to compare with.
    if (!resumed?.checkpoint) await ask(0);
    onEvent({
      kind: 'start',
      totalSteps: stepsOf(recipe, lengthsOf(rows.train)).steps,
      trainableParameters: adapter.parameters,
    });
    const meter = stepMeter(gpu.memory);
    const outcome = await train({
      decoder,
      adapter,
      recipe,
      dataset: rows.train,
      evalDataset: rows.evaluation,
      evaluateAfter: options.evaluateAfter,
      sampling: scorer?.sampling,
      checkpoints: stored && {
        seconds: checkpointSeconds,
        model: fingerprint,
        save: (data) => recorder.save(data),
      },
      resume: resumed?.checkpoint ?? null,
      onStep(report) {
        recorder.step(report);
        if (firstStep)
          onEvent({ kind: 'firstStep', seconds: (performance.now() - start) / 1000, preparation });
        firstStep = false;
        onEvent({ kind: 'step', ...meter(report) });
      },
      onCompletions(step, completions) {
        const { tokenizer } = model;
        if (!tokenizer || (step - 1) % recipe.eval_steps >= recipe.num_iterations) return;
        const textOf = (ids: readonly number[]) => tokenizer.decode(ids, { skipSpecialTokens: true });
        const answers = completions.map(({ ids, reward }) => ({ text: textOf(ids), reward }));
        onEvent({ kind: 'completions', step, prompt: textOf(completions[0]!.prompt), answers });
      },
      onEval: (step, loss, reward) => recorder.evaluated(step, loss, reward),
      onReferences: (rows) => onEvent({ kind: 'references', rows }),
      onEvaluating: (step, rows) => onEvent({ kind: 'evaluating', step, rows }),
      onCheckpoint: ask,
      profiler: () => (options.profile?.() ? new Profiler(gpu) : null),
      onProfile: (step, profile) => onEvent({ kind: 'profile', step, profile }),
      shouldStop: () => signal?.aborted ?? false,
    });
    const ended = endOf(outcome, signal);
    await recorder.end(ended);
    const { steps, finalLoss, best, resultStep: step } = outcome;
    return {
      steps,
      ended,
      finalLoss,
      best,
      result: { step, stored: recorder.has(step) },
      seconds: recorder.seconds,
    };
  } catch (error) {
    await recorder.fail(error);
    throw error;
  } finally {
    scorer?.end();
  }
}

function endOf(
  { stopped, stoppedEarly }: TrainerOutcome,
  signal: AbortSignal | undefined,
): TrainOutcome['ended'] {
  if (stopped) return signal?.reason === 'pause' ? 'paused' : 'stopped';
  return stoppedEarly ? 'early' : 'whole';
}
