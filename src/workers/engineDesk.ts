import shaders from 'virtual:shaders';
import { checkTokenizerFits } from '../data/tokenizer.ts';
import { openGpu, type Gpu } from '../gpu/device.ts';
import { answer } from '../infer/answer.ts';
import { assert, GraftError } from '../lib/errors.ts';
import { planEnds } from '../merge/outputEnds.ts';
import { loadAdapter } from '../model/adapterFiles.ts';
import { withoutAdapter, type AdapterUse } from '../model/decoder.ts';
import { openAdapter } from '../model/openAdapter.ts';
import { removeSpilled } from '../model/spillFile.ts';
import { benchmarkDevice } from '../speed/benchmark.ts';
import type { RunStore } from '../runs/runStore.ts';
import { opfsDirectory } from '../storage/opfsDirectory.ts';
import { fitRecipe } from '../train/fitRecipe.ts';
import { planRun, streamingForAnswers, streamingRungs } from '../train/streamingPlan.ts';
import { adapterFiles, adapterZip, exportSizes, mergeTo, type TrainedContent } from './exporting.ts';
import { summarize } from './modelSummary.ts';
import { createHubLink } from './hubLink.ts';
import { IdleTuner } from './idleTuner.ts';
import { KeptTraining } from './keptTraining.ts';
import { openTuning } from './keptTuning.ts';
import { loadingReporter } from './loadingReporter.ts';
import { OpenedModel, SPILL_FOLDER } from './openedModel.ts';
import type { AdapterDtype, EndToken, EngineApi } from './protocol.ts';
import { errorFacts, type Throwing } from './result.ts';
import { createRunsDesk, openRunStore } from './runsDesk.ts';
import { folderOf } from './sourceFolder.ts';
import { createTrainingDesk } from './trainingDesk.ts';

/** What was trained, as it goes into a merge. */
async function contentOf(kept: KeptTraining): Promise<TrainedContent> {
  const trained = kept.model;
  return trained ? { adapter: null, trained } : { adapter: await kept.toPeft(), trained: null };
}

/**
 * What the engine worker does: owns the device, one model and one adapter, and runs one job at a time.
 * A model or adapter whose files do not hold up leaves the one of before. Weights come to the GPU when the first job
 * needs them, in the form that its recipe asks for: a model that fits only in 4 bits must never be there in 16.
 */
export function createEngineDesk(): Throwing<EngineApi> {
  const hub = createHubLink();
  let gpu: Promise<Gpu> | null = null;
  let model: OpenedModel | null = null;
  let kept: KeptTraining | null = null;
  let runs: Promise<RunStore> | null = null;
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

  function keptTraining(): KeptTraining {
    assert(kept, 'nothing was trained or opened');
    return kept;
  }

  function keep(next: KeptTraining | null): void {
    kept?.trained.dispose();
    kept = next;
  }

  function runStore(): Promise<RunStore> {
    runs ??= openRunStore();
    // A refusal is not for ever: the person may change a setting and try again.
    runs.catch(() => (runs = null));
    return runs;
  }

  const adapterName = (): string => `${opened().name}-adapter`;

  const filesOfAdapter = async (dtype: AdapterDtype, ends: readonly EndToken[]) => {
    const adapter = keptTraining();
    return adapterFiles(adapterName(), await adapter.toPeft(), dtype, {
      run: adapter.record,
      ends: await planEnds(opened().files.folder, ends),
    });
  };

  const mergeLosses = async () => keptTraining().mergeLosses(await device(), opened().files);

  const { api: training, training: trainedId } = createTrainingDesk({
    ...{ device, opened, inTurn, keep },
    store: runStore,
    choices: (onDevice) => tuner.choices(onDevice),
  });

  return {
    ...training,
    ...createRunsDesk(runStore, trainedId),

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
        keep(null);
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

    generate: (request, onText, onProgress) =>
      inTurn(async () => {
        stopGenerating = false;
        const { files, tokenizer } = opened();
        if (!tokenizer) throw new GraftError('infer.no_tokenizer');
        checkTokenizerFits(tokenizer, files.spec.vocabSize);
        const { prompt, adapterStrength, weights, ...options } = request;
        const device_ = await device();
        const decoder =
          opened().decoder ??
          (await opened().decoderFor(device_, weights, await streamingForAnswers(files, weights, device_), {
            onProgress: loadingReporter(onProgress),
          }));
        const use: AdapterUse =
          kept && adapterStrength !== 0
            ? { adapter: kept.trained, strength: adapterStrength, dropout: null }
            : withoutAdapter;
        const start = performance.now();
        const result = await answer(decoder, use, tokenizer, prompt.ids, {
          ...options,
          endIds: prompt.endIds,
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
        const { peft, warnings } = await openAdapter(files, await folderOf(source, hub));
        const lora = await loadAdapter(await device(), files.spec, peft);
        keep(new KeptTraining(lora, { base: opened().base, dropout: 0, from: peft.config }, null));
        return { rank: peft.config.r, modules: peft.modules.size, warnings: warnings.map(errorFacts) };
      }),

    exportSizes: () =>
      inTurn(async () => exportSizes(await device(), opened().files, await contentOf(keptTraining()))),

    exportAdapter: (dtype, ends) =>
      inTurn(async () => adapterZip(adapterName(), await filesOfAdapter(dtype, ends))),

    adapterFiles: (ends) => inTurn(() => filesOfAdapter('F32', ends)),

    measureMerges: () => inTurn(mergeLosses),

    merge: (destination, settings, onProgress) =>
      inTurn(async () => {
        const merged = keptTraining();
        const { name, files } = opened();
        merging = new AbortController();
        try {
          return await mergeTo(await device(), files, await contentOf(merged), {
            destination,
            settings,
            losses: mergeLosses,
            trainedDoubleQuant: merged.training?.quantize?.doubleQuant ?? false,
            name: `${name}-merged`,
            run: merged.record,
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
