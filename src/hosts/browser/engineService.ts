import { serial } from '../../base/lib/serial.ts';
import type { SweepStore } from '../../content/runs/sweepStore.ts';
import type { RunStore } from '../../content/runs/runStore.ts';
import { removeSpilled } from '../../engine/model/decoder/spillFile.ts';
import { benchmarkDevice } from '../../engine/speed/benchmark.ts';
import { fitRecipe } from '../../engine/train/fitRecipe.ts';
import { offloadLevels } from '../../engine/train/streamingPlan.ts';
import { IdleTuner } from '../../engine/tuning/idleTuner.ts';
import { Session } from '../../session/session.ts';
import { evaluateSystems } from './evaluating.ts';
import { exportGguf } from './exportingGguf.ts';
import { adapterFiles, mergedName, mergeTo, zipFile } from './exporting.ts';
import { browserHost } from './host.ts';
import { AdapterShelf } from './adapterShelf.ts';
import { OpenAdapters } from './openAdapters.ts';
import { createHubLink } from './hubLink.ts';
import { createSandboxLink } from './rewards/sandboxLink.ts';
import { summarize } from './modelSummary.ts';
import type { EngineApi, ModelSource } from './protocol.ts';
import { createRunsService, openRunStore } from './runsService.ts';
import { folderOf } from './sourceFolder.ts';
import { createTrainingService, loadReports } from './trainingService.ts';

/**
 * What the engine worker does: a session (one device, one model, one result, one job at a time) for the page, stored runs,
 * and kernels that are measured while the session is idle.
 * @param openStore opens the runs of this browser, and openSweeps its sweeps
 */
export function createEngineService(
  host = browserHost(),
  openStore = openRunStore,
  openSweeps: () => Promise<SweepStore> = async () => (await import('./sweeps.ts')).openSweepStore(),
): EngineApi {
  const hub = createHubLink();
  const sandboxes = createSandboxLink();
  const tuner = new IdleTuner(host.openGpu, host.tunedKernels);
  const queue = serial();
  const session = new Session({ ...host, rewardFunctions: sandboxes.functions }, (job) =>
    tuner.aside(() => queue(job)),
  );
  let source: ModelSource | null = null;
  let runs: Promise<RunStore> | null = null;
  let stopGenerating = false;
  let merging: AbortController | null = null;
  let benchmarking: AbortController | null = null;
  let evaluating: AbortController | null = null;

  const store = (): Promise<RunStore> => {
    runs ??= openStore();
    // A refusal may be lifted: the user may change a setting and try again.
    runs.catch(() => (runs = null));
    return runs;
  };
  const { api: training, training: trainingId } = createTrainingService(
    session,
    store,
    () => source!,
    openSweeps,
  );
  const shelf = new AdapterShelf();
  const adapters = new OpenAdapters(session, shelf, store);
  const adapterName = () => `${session.model.name}-adapter`;

  return {
    ...training,
    // What a run may take of the memory is planned without them.
    train(request, onEvent) {
      adapters.forget();
      return training.train(request, onEvent);
    },
    resumeRun(id, onEvent) {
      adapters.forget();
      return training.resumeRun(id, onEvent);
    },
    sweep(request, onEvent) {
      adapters.forget();
      return training.sweep(request, onEvent);
    },
    resumeSweep(id, onEvent) {
      adapters.forget();
      return training.resumeSweep(id, onEvent);
    },
    lrRange(...args) {
      adapters.forget();
      return training.lrRange(...args);
    },
    ...createRunsService(store, trainingId),

    async connectHub(port) {
      hub.connect(port);
    },
    async connectSandboxes(port) {
      sandboxes.connect(port);
    },

    async openDevice() {
      // What a crash left behind; where there is no such file system, there is nothing to remove.
      host
        .spillFolder()
        .then(removeSpilled)
        .catch(() => undefined);
      const { description, hasF16, maxBinding, device } = await session.gpu();
      return {
        description,
        hasF16,
        maxBufferBytes: device.limits.maxBufferSize,
        maxBindingBytes: maxBinding,
      };
    },

    async openModel(next) {
      const onHub = next.kind === 'hub';
      const model = await session.openModel(await folderOf(next, hub), {
        name: next.name,
        base: onHub || next.kind === 'cached' ? next.repo : next.name,
        headersOnly: onHub,
      });
      source = next;
      adapters.forget();
      shelf.clear();
      // Not of the model before.
      tuner.expect(null, null);
      return summarize(model.name, model.files, model.tokenizer);
    },

    // None of these touches the GPU, so they need not wait for a run to end.
    async planMemory(recipe, data) {
      const { files } = session.model;
      const { memory, streaming } = await session.plan(recipe, data);
      if (files === session.model.files)
        tuner.expect({ files, recipe, data, streaming }, await session.gpu());
      return { ...memory, streaming };
    },
    offloadLevels: async (recipe, data) =>
      offloadLevels(session.model.files, recipe, await session.gpu(), data),
    fitRecipe: async (recipe, data, budget) =>
      fitRecipe(session.model.files, recipe, await session.gpu(), data, budget),

    async generate({ prompt, adapterStrength, trained: ref, weights, ...options }, onText, onProgress) {
      stopGenerating = false;
      const reports = loadReports(onProgress);
      const trained = ref && (await adapters.read(ref, reports));
      const result = await session.generate(prompt.ids, {
        ...options,
        ...(trained && { trained }),
        endIds: prompt.endIds,
        strength: adapterStrength,
        fallback: weights,
        ...reports,
        onText(piece) {
          onText(piece);
          return stopGenerating;
        },
      });
      return withSpeed(result);
    },
    async generateMany(
      { prompts, adapterStrength, trained: ref, weights, ...options },
      onAnswer,
      onProgress,
    ) {
      stopGenerating = false;
      const reports = loadReports(onProgress);
      const trained = ref && (await adapters.read(ref, reports));
      const answers = await session.generateMany(prompts, {
        ...options,
        ...(trained && { trained }),
        strength: adapterStrength,
        fallback: weights,
        ...reports,
        onAnswer: (i, made) => onAnswer(i, withSpeed(made)),
        shouldStop: () => stopGenerating,
      });
      return answers.map((made) => made && withSpeed(made));
    },
    async stopGenerating() {
      stopGenerating = true;
    },

    evaluate(request, onStep, onLoading) {
      evaluating = new AbortController();
      return evaluateSystems({ session, adapters }, request, evaluating.signal, onStep, onLoading);
    },
    async stopEvaluating() {
      evaluating?.abort();
    },

    async openAdapter(from) {
      const adapter = await session.readAdapter(await folderOf(from, hub));
      await session.useAdapter(adapter);
      return shelf.add(adapter);
    },
    takeShelved: (id) => session.useAdapter(shelf.get(id)),
    async removeShelved(id) {
      shelf.remove(id);
    },
    async mixAdapters(request) {
      const mixed = await shelf.mix(request, session, store, {});
      await session.useAdapter(mixed);
      return shelf.add(mixed);
    },

    exportSizes: () => session.exportSizes(),
    usageFacts: async (ends) => ({
      adapter: await session.usageFacts(ends, adapterName()),
      merged: await session.usageFacts(ends, mergedName(session)),
    }),
    exportAdapter: async (dtype, ends) =>
      zipFile(adapterName(), await adapterFiles(session, adapterName(), dtype, ends)),
    adapterFiles: (ends, repo) => adapterFiles(session, adapterName(), 'F32', ends, repo),
    measureMerges: () => session.mergeLosses(),
    compareDtypes: (onto) => session.compareDtypes(onto),

    async merge(destination, settings, onProgress) {
      merging = new AbortController();
      try {
        return await mergeTo(session, destination, settings, onProgress, merging.signal);
      } finally {
        merging = null;
      }
    },
    ggufForecasts: () => session.ggufForecasts(),
    async exportGguf(handle, request, onProgress) {
      merging = new AbortController();
      try {
        return await exportGguf(session, handle, request, onProgress, merging.signal);
      } finally {
        merging = null;
      }
    },
    async cancelMerge() {
      merging?.abort();
    },

    benchmark: (extent, onProgress) =>
      session.alone(async () => {
        // A device of its own: no shader is compiled yet, and should it fail, the open model stays.
        const measured = await host.openGpu();
        benchmarking = new AbortController();
        try {
          measured.choices = await tuner.choices(measured);
          return await benchmarkDevice(measured, {
            extent,
            environment: navigator.userAgent,
            signal: benchmarking.signal,
            onProgress: ({ phase, ...progress }) =>
              onProgress({
                ...progress,
                ...(phase === 'ceilings' ? { phase } : { phase: null, subject: phase }),
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
    },
  };
}

function withSpeed<T extends { tokens: number; seconds: number }>(made: T): T & { tokensPerSecond: number } {
  return { ...made, tokensPerSecond: made.tokens / made.seconds };
}
