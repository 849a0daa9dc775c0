import shaders from 'virtual:shaders';
import { checkTokenizerFits } from '../data/tokenizer.ts';
import { readAdapter } from '../formats/peft.ts';
import { openGpu, type Gpu } from '../gpu/device.ts';
import { Profiler } from '../gpu/profiler.ts';
import { answer } from '../infer/answer.ts';
import { assert, GraftError, messageOf } from '../lib/errors.ts';
import { loadAdapter } from '../model/adapterFiles.ts';
import { withoutAdapter, type AdapterUse } from '../model/decoder.ts';
import { quantizationOf } from '../model/openDecoder.ts';
import { removeSpilled } from '../model/spillFile.ts';
import { benchmarkDevice } from '../speed/benchmark.ts';
import { opfsDirectory } from '../storage/opfsDirectory.ts';
import { fitRecipe } from '../train/fitRecipe.ts';
import { dataShapes } from '../train/largestBatch.ts';
import { prepareRun } from '../train/prepare.ts';
import { runLog } from '../train/runRecord.ts';
import { describeAdapter, startAdapter } from '../train/startAdapter.ts';
import { chooseStreaming, planRun, streamingForAnswers, streamingRungs } from '../train/streamingPlan.ts';
import { train } from '../train/trainer.ts';
import { adapterFiles, adapterZip, exportSizes, mergeTo } from './exporting.ts';
import { summarize } from './modelSummary.ts';
import { createHubLink } from './hubLink.ts';
import { IdleTuner } from './idleTuner.ts';
import { KeptAdapter } from './keptAdapter.ts';
import { openTuning } from './keptTuning.ts';
import { OpenedModel, SPILL_FOLDER } from './openedModel.ts';
import type { AdapterDtype, EngineApi, Progress } from './protocol.ts';
import type { Throwing } from './result.ts';
import { folderOf } from './sourceFolder.ts';
import { trainReporter } from './trainReporter.ts';

/**
 * What the engine worker does: owns the device, one model and one adapter, and runs one job at a time.
 * A model or adapter whose files do not hold up leaves the one of before. Weights come to the GPU when the first job
 * needs them, in the form that its recipe asks for: a model that fits only in 4 bits must never be there in 16.
 */
export function createEngineDesk(): Throwing<EngineApi> {
  const hub = createHubLink();
  let gpu: Promise<Gpu> | null = null;
  let model: OpenedModel | null = null;
  let adapter: KeptAdapter | null = null;
  let stopTraining = false;
  let profileWanted = false;
  let stopGenerating = false;
  let merging: AbortController | null = null;
  let benchmarking: AbortController | null = null;
  let last: Promise<unknown> = Promise.resolve();
  const tuner = new IdleTuner(
    () => openGpu(navigator.gpu, shaders),
    (measured) => openTuning(measured, shaders),
  );

  /** Jobs share the decoder's scratch memory, so each waits for the one before. */
  function inTurn<T>(job: () => Promise<T>): Promise<T> {
    const before = last;
    const turn = tuner.aside(async () => {
      await before;
      return job();
    });
    last = turn.catch(() => undefined);
    return turn;
  }

  function device(): Promise<Gpu> {
    gpu ??= openGpu(navigator.gpu, shaders);
    // A refusal is not for ever: the person may change a setting and try again.
    gpu.catch(() => (gpu = null));
    return gpu;
  }

  function opened(): OpenedModel {
    assert(model, 'no model is open');
    return model;
  }

  function keptAdapter(): KeptAdapter {
    assert(adapter, 'there is no adapter');
    return adapter;
  }

  const adapterName = (): string => `${opened().name}-adapter`;

  function dropAdapter(): void {
    adapter?.lora.dispose();
    adapter = null;
  }

  const filesOfAdapter = async (dtype: AdapterDtype) => {
    const kept = keptAdapter();
    return adapterFiles(adapterName(), await kept.toPeft(), dtype, kept.record);
  };

  const mergeLosses = async () => keptAdapter().mergeLosses(await device(), opened().files);

  return {
    async connectHub(port) {
      hub.connect(port);
      return null;
    },

    async openDevice() {
      // What a crash left behind; where there is no such file system, there is nothing to remove.
      opfsDirectory(SPILL_FOLDER)
        .then(removeSpilled)
        .catch(() => undefined);
      const { description, hasF16, maxBinding, device: opened } = await device();
      return {
        description,
        hasF16,
        maxBufferBytes: opened.limits.maxBufferSize,
        maxBindingBytes: maxBinding,
      };
    },

    openModel: (source) =>
      inTurn(async () => {
        const next = await OpenedModel.open(source, hub);
        model?.dropWeights();
        dropAdapter();
        model = next;
        // Not of the model before.
        tuner.expect(null, null);
        return summarize(next.name, next.files, next.tokenizer);
      }),

    // Neither touches the GPU, so they need not wait for a run to end.
    planMemory: async (recipe, data) => {
      const { files } = opened();
      const device_ = await device();
      const { memory, streaming } = await planRun(files, recipe, device_, data);
      if (files === model?.files) tuner.expect({ files, recipe, data, streaming }, device_);
      return { ...memory, streaming };
    },
    streamingRungs: async (recipe, data) => streamingRungs(opened().files, recipe, await device(), data),
    fitRecipe: async (recipe, data, budget) =>
      fitRecipe(opened().files, recipe, await device(), data, budget),

    train: (recipe, dataFile, rows, evalRows, onEvent) =>
      inTurn(async () => {
        stopTraining = false;
        profileWanted = false;
        const start = performance.now();
        const { base, files } = opened();
        const device_ = await device();
        device_.choices = await tuner.choices(device_);
        const shapes = dataShapes({ train: rows, evaluation: evalRows });
        const streaming = await chooseStreaming(files, recipe, device_, shapes);
        const run = { files, recipe, data: shapes, streaming };
        const { loaded: decoder, preparation } = await prepareRun(device_, run, () =>
          opened().decoderFor(device_, recipe, streaming, {
            onProgress: loadingReporter((progress) => onEvent({ kind: 'loading', progress })),
            onNotKept: (error) => onEvent({ kind: 'notKept', detail: messageOf(error) }),
          }),
        );
        onEvent({ kind: 'phase', phase: 'adapter' });
        // Scratch of earlier jobs may be larger than this run's.
        decoder.workspace.dispose();
        const lora = await startAdapter(decoder, recipe, null);
        dropAdapter();
        const log = runLog({
          base: files.folder,
          dataFile,
          rows: { train: rows, evaluation: evalRows },
          recipe,
          choices: device_.choices,
        });
        const training = { quantize: quantizationOf(recipe), evalRows, record: log.record };
        adapter = new KeptAdapter(lora, describeAdapter(base, recipe, null), training);
        const reporter = trainReporter(onEvent, device_.memory, lora.parameters);
        reporter.begin();
        const outcome = await train({
          decoder,
          adapter: lora,
          recipe,
          dataset: rows,
          evalDataset: evalRows,
          onStep: (report) => {
            log.step(report);
            reporter.step(report);
            if (report.step > 1) return;
            onEvent({ kind: 'firstStep', seconds: (performance.now() - start) / 1000, preparation });
          },
          onEval: (step, loss) => {
            log.evaluated(step, loss);
            onEvent({ kind: 'eval', step, loss });
          },
          profiler: () => {
            if (!profileWanted) return null;
            profileWanted = false;
            return new Profiler(device_);
          },
          onProfile: (step, profile) => onEvent({ kind: 'profile', step, profile }),
          shouldStop: () => stopTraining,
        });
        return { ...outcome, seconds: reporter.seconds() };
      }),

    async stopTraining() {
      stopTraining = true;
      return null;
    },

    async profileStep() {
      const { hasTimestamps, description } = await device();
      if (!hasTimestamps) throw new GraftError('gpu.no_timestamps', { adapter: description });
      profileWanted = true;
      return null;
    },

    generate: (request, onText, onProgress) =>
      inTurn(async () => {
        stopGenerating = false;
        const { files, tokenizer } = opened();
        if (!tokenizer) throw new GraftError('infer.no_tokenizer');
        checkTokenizerFits(tokenizer, files.spec.vocabSize);
        const { promptIds, adapterStrength, weights, ...options } = request;
        const device_ = await device();
        const decoder =
          opened().decoder ??
          (await opened().decoderFor(device_, weights, await streamingForAnswers(files, weights, device_), {
            onProgress: loadingReporter(onProgress),
          }));
        const use: AdapterUse =
          adapter && adapterStrength !== 0
            ? { adapter: adapter.lora, strength: adapterStrength, dropout: null }
            : withoutAdapter;
        const start = performance.now();
        const result = await answer(decoder, use, tokenizer, promptIds, {
          ...options,
          onText: (piece) => {
            onText(piece);
            return stopGenerating;
          },
        });
        return { ...result, tokensPerSecond: result.tokens / ((performance.now() - start) / 1000) };
      }),

    async stopGenerating() {
      stopGenerating = true;
      return null;
    },

    openAdapter: (source) =>
      inTurn(async () => {
        const files = await opened().readQuantized();
        const peft = await readAdapter(await folderOf(source, hub));
        const lora = await loadAdapter(await device(), files.spec, peft);
        dropAdapter();
        adapter = new KeptAdapter(lora, { base: opened().base, dropout: 0, from: peft.config }, null);
        return { rank: peft.config.r, modules: peft.modules.size };
      }),

    exportSizes: () =>
      inTurn(async () => exportSizes(await device(), opened().files, await keptAdapter().toPeft())),

    exportAdapter: (dtype) => inTurn(async () => adapterZip(adapterName(), await filesOfAdapter(dtype))),

    adapterFiles: () => inTurn(() => filesOfAdapter('F32')),

    measureMerges: () => inTurn(mergeLosses),

    merge: (destination, settings, onProgress) =>
      inTurn(async () => {
        const kept = keptAdapter();
        const { name, files } = opened();
        merging = new AbortController();
        try {
          return await mergeTo(await device(), files, await kept.toPeft(), {
            destination,
            settings,
            losses: mergeLosses,
            trainedDoubleQuant: kept.training?.quantize?.doubleQuant ?? false,
            name: `${name}-merged`,
            run: kept.record,
            onProgress,
            signal: merging.signal,
          });
        } finally {
          merging = null;
        }
      }),

    benchmark: (extent, onProgress) =>
      inTurn(async () => {
        // A device of its own: no shader is compiled yet, and should it fail, the open model stays.
        const measured = await openGpu(navigator.gpu, shaders);
        benchmarking = new AbortController();
        try {
          measured.choices = await tuner.choices(measured);
          return await benchmarkDevice(measured, {
            extent,
            environment: navigator.userAgent,
            signal: benchmarking.signal,
            onProgress: (progress) =>
              onProgress({
                ...progress,
                ...(progress.phase === 'ceilings'
                  ? { phase: 'ceilings' }
                  : { phase: null, subject: progress.phase }),
                unit: 'measurements',
              }),
          });
        } finally {
          benchmarking = null;
          measured.destroy();
        }
      }),

    async stopBenchmark() {
      benchmarking?.abort();
      return null;
    },

    async cancelMerge() {
      merging?.abort();
      return null;
    },
  };
}

/** Tells of a load a message for each percent: one for every tensor of a large model would be thousands. */
function loadingReporter(onProgress: (p: Progress) => void): (done: number, total: number) => void {
  let told = 0;
  return (done, total) => {
    if (done < total && done - told < total / 100) return;
    told = done;
    onProgress({ phase: 'weights', done, total, unit: 'bytes' });
  };
}
