import type { Recipe } from '../base/config/recipe.ts';
import { assert, GraftError } from '../base/lib/errors.ts';
import { serial, type Serial } from '../base/lib/serial.ts';
import type { Folder } from '../base/storage/types.ts';
import { checkTokenizerFits } from '../content/data/tokenizer/tokenizer.ts';
import type { TokenRows } from '../content/data/tokens/tokenRows.ts';
import type { PeftAdapter } from '../content/formats/peft.ts';
import type { StoredRun } from '../content/runs/storedRun.ts';
import type { RunStore } from '../content/runs/runStore.ts';
import type { Gpu } from '../engine/gpu/device.ts';
import { answer, type Answer, type AnswerOptions } from '../engine/infer/answer.ts';
import type { AnswerBatchOptions, AskedBatch } from '../engine/infer/batch/answerBatch.ts';
import type { GgufExportType } from '../content/formats/gguf/exportTypes.ts';
import type { LoraGguf } from '../content/formats/gguf/loraGguf.ts';
import { writeGguf, type GgufOptions, type WrittenGguf } from '../engine/merge/gguf/writeGguf.ts';
import {
  ggufForecasts,
  loraExport,
  planGgufExport,
  type GgufForecast,
  type GgufSettings,
} from './ggufExport.ts';
import type { MergeFolder } from '../engine/merge/mergeFolder.ts';
import { mergeProved, type ProvedMerge, type ProvedMergeOptions } from '../engine/merge/mergeProved.ts';
import type { MergeProof } from '../engine/merge/verifyMerge.ts';
import { withoutAdapter, type AdapterUse, type Decoder } from '../engine/model/decoder/decoder.ts';
import { loadAdapter } from '../engine/model/trained/adapterFiles.ts';
import type { Trainable } from '../engine/model/trained/trainable.ts';
import { openAdapter, type OpenedAdapter } from '../engine/model/trained/openAdapter.ts';
import { evaluate, type Evaluation } from '../engine/train/evaluate.ts';
import type { MergeLosses } from '../engine/train/evaluateMerges.ts';
import type { DataShapes } from '../engine/train/largestBatch.ts';
import { lrRange, type LrRange, type LrRangeOptions } from '../engine/train/lrRange.ts';
import type { MemoryPlan } from '../engine/train/memoryPlan.ts';
import { describeAdapter } from '../engine/train/startAdapter.ts';
import { startTraining } from '../engine/train/startTraining.ts';
import { planRun, streamingForAnswers, type OffloadLevel } from '../engine/train/streamingPlan.ts';
import type { EndToken } from '../content/data/labels/turnEnd.ts';
import type { UsageFacts } from '../content/hub/usage.ts';
import { planEnds } from '../engine/merge/outputEnds.ts';
import { checkMergeJob, mergeJob, type MergeOnto } from '../engine/merge/mergeJob.ts';
import type { Job } from '../content/job/jobFile.ts';
import type { JobSink, JobSource } from '../content/job/jobFolder.ts';
import type { ExportJobOptions } from './job/exportJob.ts';
import type { ImportedJob } from './job/importJob.ts';
import type { Sweep } from '../content/runs/sweep.ts';
import type { SweepJob, SweepOptions, SweepStorage } from './sweep/sweepJob.ts';
import type { EvaluationData } from './evaluation/evaluationData.ts';
import type { EvaluateOptions, SystemResult } from './evaluation/evaluateRows.ts';
import { usageFacts } from './usageFacts.ts';
import type { Host } from './host.ts';
import { compareDtypes, type DtypeComparison } from './compareDtypes.ts';
import { loadForRun } from './loadForRun.ts';
import { exportSizes, planMerge, type ExportSizes, type MergeSettings } from './mergeTrained.ts';
import { OpenModel, type LoadReports, type OpenModelOptions, type WeightSettings } from './openModel.ts';
import { openStoredRun, storedRows, type ResumableRun } from './storedRun.ts';
import { TrainedResult } from './trainedResult.ts';
import type { RunStorage, SplitRows, TrainJob, TrainOptions, TrainOutcome } from './trainJob.ts';
import { parametersAt, resultAt, resumeTraining, trainModel, type TrainContext } from './trainModel.ts';

/** Weights as they are stored, all on the GPU. */
const asStored: WeightSettings = {
  method: 'lora',
  double_quant: false,
  head: 'stored',
  dtype: 'f32',
  memory_budget: 0,
};

/** Rows that run through the model at once in an evaluation. */
const EVAL_ROWS = 8;

/** How the weights of a job are loaded, and how much of the adapter is in them. */
export interface UseOptions extends LoadReports {
  /** The form of the weights; by default the one they are in. */
  weights?: WeightSettings;
  /** The form where none are loaded yet; by default as they are stored. */
  fallback?: WeightSettings;
  /** Strength of the adapter: 0 is the base model, 1 (the default) the tuned one. */
  strength?: number;
  /** Used in place of the session's result: what `readCheckpoint` returned. */
  trained?: Trainable;
}

/** Few runs become jobs or belong to sweeps: a page loads the code for them when one does. */
const jobs = () => import('./job/index.ts');
const sweeps = () => import('./sweep/index.ts');

/** So does the code of evaluations. */
const evaluations = () => import('./evaluation/index.ts');

/**
 * Everything between the engine and a host: one GPU device, one model, and what was trained or opened last, on which jobs
 * run one at a time. The device is opened by the first job that needs it, so what is wrong with files shows before.
 */
export class Session {
  readonly host: Host;
  readonly #inTurn: Serial;
  #gpu: Promise<Gpu> | null = null;
  #model: OpenModel | null = null;
  #result: TrainedResult | null = null;

  /** @param inTurn runs the jobs; a host that has other work to stop meanwhile brings its own queue */
  constructor(host: Host, inTurn: Serial = serial()) {
    this.host = host;
    this.#inTurn = inTurn;
  }

  /** The device. A refusal is tried again by the next call: the user may have changed a setting. */
  gpu(): Promise<Gpu> {
    this.#gpu ??= this.host.openGpu();
    this.#gpu.catch(() => (this.#gpu = null));
    return this.#gpu;
  }

  get model(): OpenModel {
    assert(this.#model, 'no model is open');
    return this.#model;
  }

  /** What was trained or opened last; null before. */
  get result(): TrainedResult | null {
    return this.#result;
  }

  /** What was trained or opened last. */
  get trained(): TrainedResult {
    assert(this.#result, 'nothing was trained or opened');
    return this.#result;
  }

  /** Opens a Hugging Face folder in place of the model before, which stays open where this fails. Throws `formats.*`, `model.*`, … */
  openModel(folder: Folder, options: OpenModelOptions = {}): Promise<OpenModel> {
    return this.#inTurn(async () => {
      const next = await OpenModel.open(this.host, folder, options);
      this.#model?.dropWeights();
      this.#hold(null);
      return (this.#model = next);
    });
  }

  /** Reads a PEFT folder for the model; the GPU is not needed. Throws `formats.*`, `model.adapter_*`. */
  readAdapter(folder: Folder): Promise<OpenedAdapter> {
    return this.#inTurn(async () => openAdapter(await this.model.readQuantized(), folder));
  }

  /** Takes an adapter that was read as the result: answers, evaluations and merges are with it. */
  useAdapter({ peft }: OpenedAdapter): Promise<void> {
    return this.#inTurn(async () => {
      const lora = await loadAdapter(await this.gpu(), this.model.files.spec, peft);
      const about = { base: this.model.base, dropout: 0, from: peft.config };
      this.#hold(new TrainedResult(lora, about, null));
    });
  }

  /** GPU memory that training by a recipe takes, to the byte; without shapes, on rows of the maximal length. No turn is waited for. */
  async plan(recipe: Recipe, shapes: DataShapes | null): Promise<OffloadLevel & { memory: MemoryPlan }> {
    return planRun(this.model.files, recipe, await this.gpu(), shapes);
  }

  /**
   * Trains by a job. What is trained is the session's result from the first step on, however the run ends.
   * @param storage where the run is stored; null trains without checkpoints
   * Throws `train.*`, `gpu.*`, and what loading throws.
   */
  train(job: TrainJob, storage: RunStorage | null, options: TrainOptions = {}): Promise<TrainOutcome> {
    return this.#inTurn(async () => trainModel(await this.#context(), job, storage, options));
  }

  /**
   * Continues a stored run from its last checkpoint, to the same bits, on the rows it was stored with.
   * @param more what else of its job the host knows, such as its samples
   * Throws `runs.*`, `train.resume_*`, and what `train` throws.
   */
  resume(
    runs: RunStore,
    id: string,
    options: TrainOptions = {},
    more: (run: StoredRun) => Partial<TrainJob> = () => ({}),
  ): Promise<TrainOutcome> {
    return this.#inTurn(async () => {
      const resumed = await openStoredRun(runs, id, this.model, options.onEvent);
      const { recipe, data } = resumed.run.header;
      const job = async (): Promise<TrainJob> => ({
        recipe,
        dataFile: data.file,
        changes: data.changes,
        validationFile: data.validation,
        rows: await storedRows(resumed.run, this.host),
        ...more(resumed.run),
      });
      return this.#resume(resumed, job, options);
    });
  }

  /** The same for a run that was opened already, on rows the caller has. */
  resumeOpened(resumed: ResumableRun, job: TrainJob, options: TrainOptions = {}): Promise<TrainOutcome> {
    return this.#inTurn(() => this.#resume(resumed, async () => job, options));
  }

  async #resume(
    resumed: ResumableRun,
    job: () => Promise<TrainJob>,
    options: TrainOptions,
  ): Promise<TrainOutcome> {
    try {
      return await resumeTraining(await this.#context(), resumed, await job(), options);
    } finally {
      await resumed.run.close();
    }
  }

  /**
   * Trains several recipes on the same rows, each as a stored run, and stops the worse ones early by their evaluation losses.
   * In the end the result is the best run's. Where its signal aborts, it is paused. Throws `train.sweep_*`, and what `train`
   * throws.
   */
  async sweep(job: SweepJob, storage: SweepStorage, options: SweepOptions = {}): Promise<Sweep> {
    const { createSweep, runSweep } = await sweeps();
    const stored = await createSweep(this, job, storage);
    try {
      options.onSweep?.(stored.sweep, null);
      return await runSweep(this, stored, job, storage, options);
    } finally {
      await stored.close();
    }
  }

  /**
   * Continues a stored sweep where it was, on the rows its runs were stored with.
   * @param more what else of its job the host knows, such as its samples, or its rows
   * Throws `runs.sweep_*`, `train.resume_*`, and what `train` throws.
   */
  async resumeSweep(
    storage: SweepStorage,
    id: string,
    options: SweepOptions = {},
    more: Partial<Pick<SweepJob, 'rows' | 'changes' | 'samples'>> = {},
  ): Promise<Sweep> {
    const { runSweep, storedSweepRows } = await sweeps();
    const stored = await storage.sweeps.open(id);
    try {
      options.onSweep?.(stored.sweep, null);
      const rows = more.rows ?? (await storedSweepRows(stored.sweep, storage.runs));
      return await runSweep(this, stored, { ...more, rows }, storage, options);
    } finally {
      await stored.close();
    }
  }

  /** Writes a stored run, from its last checkpoint on, as a job for a cluster. Throws `job.*`, `runs.*`, and what training throws. */
  exportJob(runs: RunStore, id: string, out: JobSink, options: ExportJobOptions): Promise<Job> {
    return this.#inTurn(async () => {
      const { exportJob, storedJobRun } = await jobs();
      return exportJob(await this.#context(), await storedJobRun(this.model, runs, id), out, options);
    });
  }

  /** The same for a run that has not begun. @param name what the run is called */
  exportNewJob(job: TrainJob, name: string, out: JobSink, options: ExportJobOptions): Promise<Job> {
    return this.#inTurn(async () => {
      const { exportJob, newJobRun } = await jobs();
      return exportJob(await this.#context(), newJobRun(this.model, job, name), out, options);
    });
  }

  /** Takes a job back as a stored run, with what a cluster trained of it. Throws `job.*`, `train.resume_other_model`. */
  importJob(source: JobSource, runs: RunStore, extra: unknown = null): Promise<ImportedJob> {
    return this.#inTurn(async () => {
      const { importJob } = await jobs();
      return importJob(await this.#context(), source, runs, extra);
    });
  }

  /** Takes what was trained up to a checkpoint of a stored run as the result. Throws `runs.*`, `train.resume_other_model`. */
  openCheckpoint(runs: RunStore, id: string, step: number, reports: LoadReports = {}): Promise<void> {
    return this.#inTurn(async () =>
      this.#hold(await resultAt(await this.#context(), runs, id, step, reports)),
    );
  }

  /**
   * Reads what was trained up to a checkpoint of a stored run, for answers beside the result (`UseOptions.trained`). The
   * caller disposes of it, between jobs. Throws `runs.*`, `train.resume_other_model`.
   */
  readCheckpoint(runs: RunStore, id: string, step: number, reports: LoadReports = {}): Promise<Trainable> {
    return this.#inTurn(() => this.#checkpoint(runs, id, step, reports));
  }

  /**
   * The adapter that a stored run had at a checkpoint; the result stays. Throws `train.full_no_adapter`, `runs.*`,
   * `train.resume_other_model`.
   */
  checkpointPeft(runs: RunStore, id: string, step: number, reports: LoadReports = {}): Promise<PeftAdapter> {
    return this.#inTurn(async () => {
      const { recipe } = (await runs.look(id)).header;
      const trained = await this.#checkpoint(runs, id, step, reports);
      try {
        return await trained.toPeft(describeAdapter(this.model.base, recipe, null, this.model.files.spec));
      } finally {
        trained.dispose();
      }
    });
  }

  /** Loads an adapter that was read, for answers beside the result as well. The caller disposes of it, between jobs. */
  readPeft(peft: PeftAdapter): Promise<Trainable> {
    return this.#inTurn(async () => loadAdapter(await this.gpu(), this.model.files.spec, peft));
  }

  async #checkpoint(runs: RunStore, id: string, step: number, reports: LoadReports): Promise<Trainable> {
    const gpu = await this.gpu();
    // All parameters are copied from the weights first, so those must be as the run had them.
    const loaded = (method: Recipe['method']) => (method === 'full' ? null : this.model.decoder);
    return parametersAt(
      this.model,
      runs,
      id,
      step,
      async (recipe) => loaded(recipe.method) ?? this.#load(gpu, recipe, reports),
    );
  }

  /** The learning-rate range test on a recipe and its rows; nothing of it stays. Throws `train.no_rows`, `gpu.*`. */
  lrRange(
    recipe: Recipe,
    rows: TokenRows,
    {
      reports,
      ...options
    }: Pick<LrRangeOptions, 'sweep' | 'onPoint' | 'shouldStop'> & { reports?: LoadReports },
  ): Promise<LrRange> {
    return this.#inTurn(async () => {
      const gpu = await this.gpu();
      const all: SplitRows = { train: rows, evaluation: null };
      const choices = (await this.host.tunedKernels(gpu)).choices();
      const { decoder } = await loadForRun(gpu, this.model, { recipe, rows: all, choices }, reports);
      const adapter = await startTraining(decoder, recipe);
      try {
        return await lrRange({ decoder, adapter, recipe, dataset: rows, ...options });
      } finally {
        adapter.dispose();
      }
    });
  }

  /** Runs `work` with the model's weights on the GPU and the result as far as `strength` says. */
  use<T>(options: UseOptions, work: (decoder: Decoder, use: AdapterUse) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      const { weights, fallback = asStored, strength = 1, trained, ...reports } = options;
      const gpu = await this.gpu();
      const decoder =
        (weights ? null : this.model.decoder) ?? (await this.#load(gpu, weights ?? fallback, reports));
      const adapter = trained ?? this.#result?.trained;
      const use = adapter && strength !== 0 ? { adapter, strength, dropout: null } : withoutAdapter;
      return work(decoder, use);
    });
  }

  /** Continues prompt ids as streamed text. @returns it with the seconds it took, loading apart. Throws `infer.*`. */
  async generate(
    prompt: readonly number[],
    options: AnswerOptions & UseOptions,
  ): Promise<Answer & { seconds: number }> {
    const { tokenizer, files } = this.model;
    if (!tokenizer) throw new GraftError('infer.no_tokenizer');
    checkTokenizerFits(tokenizer, files.spec.vocabSize);
    return this.use(options, async (decoder, use) => {
      const start = performance.now();
      const answered = await answer(decoder, use, tokenizer, prompt, options);
      return { ...answered, seconds: (performance.now() - start) / 1000 };
    });
  }

  /**
   * Answers many prompts together, as `answerBatch` does. @returns each with the seconds from the beginning to its end; null
   * for those that had not begun when it was stopped. Throws `infer.*`.
   */
  async generateMany(
    prompts: readonly AskedBatch[],
    {
      onAnswer,
      ...options
    }: Omit<AnswerBatchOptions, 'onAnswer'> & {
      onAnswer?: (prompt: number, answer: Answer & { seconds: number }) => void;
    } & UseOptions,
  ): Promise<((Answer & { seconds: number }) | null)[]> {
    const { tokenizer, files } = this.model;
    if (!tokenizer) throw new GraftError('infer.no_tokenizer');
    checkTokenizerFits(tokenizer, files.spec.vocabSize);
    const { answerBatch } = await import('../engine/infer/batch/answerBatch.ts');
    return this.use(options, async (decoder, use) => {
      const start = performance.now();
      const seconds = new Map<number, number>();
      const answers = await answerBatch(decoder, use, { files, tokenizer }, prompts, {
        ...options,
        onAnswer(i, made) {
          const taken = (performance.now() - start) / 1000;
          seconds.set(i, taken);
          onAnswer?.(i, { ...made, seconds: taken });
        },
      });
      return answers.map((made, i) => made && { ...made, seconds: seconds.get(i)! });
    });
  }

  /** Mean loss over the targets of rows. */
  evaluate(rows: TokenRows, options: UseOptions = {}): Promise<Evaluation> {
    return this.use(options, (decoder, use) => evaluate(decoder, use, rows, EVAL_ROWS));
  }

  /**
   * Scores the rows of `readEvaluation`: losses, greedy answers in batches, likelihoods of choices. With `strength: 0` it is
   * the base that is scored. Throws `infer.*`, `gpu.*`, `data.expression_hangs`.
   */
  async evaluateRows(
    data: EvaluationData,
    options: EvaluateOptions & UseOptions = {},
  ): Promise<SystemResult> {
    const { tokenizer, files } = this.model;
    if (!tokenizer) throw new GraftError('infer.no_tokenizer');
    checkTokenizerFits(tokenizer, files.spec.vocabSize);
    const { evaluateRows, ScoringGuard, scoringInThread } = await evaluations();
    const scoring = new ScoringGuard(this.host.startScoring ?? scoringInThread);
    try {
      return await this.use(options, (decoder, use) =>
        evaluateRows(decoder, use, { files, tokenizer, scoring }, data, options),
      );
    } finally {
      scoring.end();
    }
  }

  /** The losses on either of the weights the result can be merged onto; null without a choice or rows to measure on. */
  mergeLosses(): Promise<MergeLosses | null> {
    return this.#inTurn(async () => this.trained.mergeLosses(await this.gpu(), this.model.files));
  }

  /**
   * What merging the result (the model itself where there is none) becomes in each dtype, by its loss and logits on rows:
   * those held out from its training by default. Null without rows. Nothing is written.
   */
  compareDtypes(onto: MergeOnto, rows: TokenRows | null = null): Promise<DtypeComparison | null> {
    return this.#inTurn(async () => {
      const { training = null } = this.#result ?? {};
      const used = rows ?? training?.evalRows;
      if (!used) return null;
      const { adapter, trained } = (await this.#result?.content()) ?? { adapter: null, trained: null };
      const trainedDoubleQuant = training?.quantize?.doubleQuant ?? false;
      const job = mergeJob(this.model.files, adapter, { onto, trained, trainedDoubleQuant });
      checkMergeJob(job);
      return compareDtypes(await this.gpu(), job, used);
    });
  }

  /** Bytes of what can be exported, without making it. */
  exportSizes(): Promise<ExportSizes> {
    return this.#inTurn(async () =>
      exportSizes(await this.gpu(), this.model.files, await this.trained.content()),
    );
  }

  /**
   * The names that commands need to use what is exported of the result: in its model card, and on the page.
   * @param ends tokens that training taught to end answers with
   * @param name of the exported folder
   */
  usageFacts(ends: readonly EndToken[], name: string): Promise<UsageFacts> {
    return this.#inTurn(async () => {
      const { files } = this.model;
      const { adapter } = await this.trained.content();
      return usageFacts(files, adapter, await planEnds(files.folder, ends), { name });
    });
  }

  /** Merges the result into its base, streamed, read back and proved. Throws `merge.*`, `storage.*`. */
  merge(
    out: MergeFolder,
    settings: MergeSettings,
    options: ProvedMergeOptions,
  ): Promise<ProvedMerge<MergeProof>> {
    return this.#inTurn(async () => {
      const { training, record } = this.trained;
      const job = await planMerge(this.model.files, await this.trained.content(), {
        record,
        trainedDoubleQuant: training?.quantize?.doubleQuant,
        ...settings,
      });
      return mergeProved(await this.gpu(), job, out, options);
    });
  }

  /** What the result would be as GGUF, by type, without making it. Throws `merge.*`, `formats.gguf_write_*`. */
  ggufForecasts(): Promise<Record<GgufExportType, GgufForecast>> {
    return this.#inTurn(async () => {
      const content = await this.trained.content();
      return ggufForecasts(await this.gpu(), this.model.files, content, this.model.name);
    });
  }

  /** Writes the result as a GGUF file, streamed, read back and proved. Throws `merge.*`, `formats.gguf_write_*`, `storage.*`. */
  exportGguf(
    out: MergeFolder,
    file: string,
    settings: GgufSettings,
    options: GgufOptions,
  ): Promise<WrittenGguf> {
    return this.#inTurn(async () => {
      const { record } = this.trained;
      const job = await planGgufExport(this.model.files, await this.trained.content(), {
        record,
        ...settings,
      });
      return writeGguf(await this.gpu(), job, out, file, options);
    });
  }

  /** The result's adapter as a GGUF file. Throws `merge.gguf_*`. */
  exportLoraGguf(title: string): Promise<LoraGguf> {
    return this.#inTurn(async () =>
      loraExport(this.model.files, await this.trained.content(), title, this.trained.record),
    );
  }

  /** Runs other work while no job of the session does. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.#inTurn(work);
  }

  /** Frees the device and everything on it. */
  async close(): Promise<void> {
    await this.#inTurn(async () => {
      this.#hold(null);
      this.#model?.dropWeights();
      (await this.#gpu?.catch(() => null))?.destroy();
      this.#gpu = null;
    });
  }

  async #load(gpu: Gpu, weights: WeightSettings, reports: LoadReports): Promise<Decoder> {
    const streaming = await streamingForAnswers(this.model.files, weights, gpu);
    return this.model.decoderFor(gpu, weights, streaming, reports);
  }

  async #context(): Promise<TrainContext> {
    return {
      host: this.host,
      gpu: await this.gpu(),
      model: this.model,
      hold: (result) => this.#hold(result),
    };
  }

  #hold(next: TrainedResult | null): void {
    this.#result?.trained.dispose();
    this.#result = next;
  }
}
