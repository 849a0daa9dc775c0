import shaders from 'virtual:shaders';
import type { RunRecord } from '../config/runRecord.ts';
import { checkTokenizerFits, loadTokenizer, type Tokenizer } from '../data/tokenizer.ts';
import type { TokenRows } from '../data/tokenRows.ts';
import { readAdapter } from '../formats/peft.ts';
import { openGpu, type Gpu } from '../gpu/device.ts';
import { answer, chatPrompt, textPrompt } from '../infer/answer.ts';
import { assert, GraftError, messageOf } from '../lib/errors.ts';
import { adapterToPeft, loadAdapter, type AdapterDescription } from '../model/adapterFiles.ts';
import { withoutAdapter, type AdapterUse, type Decoder } from '../model/decoder.ts';
import type { LoraAdapter } from '../model/loraAdapter.ts';
import { activationType, closeDecoder, openDecoder, quantizationOf } from '../model/openDecoder.ts';
import { openModelFiles, openModelHeaders, type ModelFiles } from '../model/openModel.ts';
import { removeSpilled } from '../model/spillFile.ts';
import type { Streaming } from '../model/streaming.ts';
import { opfsDirectory } from '../storage/opfsDirectory.ts';
import { evaluateMerges } from '../train/evaluateMerges.ts';
import { fitRecipe } from '../train/fitRecipe.ts';
import { dataShapes } from '../train/largestBatch.ts';
import { runLog } from '../train/runRecord.ts';
import { describeAdapter, startAdapter } from '../train/startAdapter.ts';
import { chooseStreaming, planRun, streamingForAnswers, streamingRungs } from '../train/streamingPlan.ts';
import { train } from '../train/trainer.ts';
import { adapterFiles, adapterZip, exportSizes, mergeTo } from './exporting.ts';
import { openKeptWeights } from './keptWeights.ts';
import { summarize } from './modelSummary.ts';
import { createHubLink } from './hubLink.ts';
import type { EngineApi, MergeLosses, Progress, WeightSettings } from './protocol.ts';
import type { Throwing } from './result.ts';
import { folderOf } from './sourceFolder.ts';
import { trainReporter } from './trainReporter.ts';

/** The open model: its files and tokenizer, and its weights on the GPU once something has asked for them. */
interface OpenModel {
  name: string;
  /** What an adapter of it says it belongs to: the name on its Hub, where there is one. */
  base: string;
  files: ModelFiles;
  loaded: LoadedWeights | null;
  tokenizer: Tokenizer | null;
}

/** In the origin private file system, for the inputs of blocks that do not fit the GPU. */
const SPILL_FOLDER = 'spill';

/** What is remembered of an adapter's training until it is merged. */
interface AdapterTraining {
  /** The 4 bits it was trained on; null for a base as stored. */
  quantize: null | { doubleQuant: boolean };
  evalRows: TokenRows | null;
  /** Null until they are measured. */
  losses: MergeLosses | null;
  /** What the run has come to by now. */
  record(): RunRecord;
}

/** Weights on the GPU, and what was asked for when they were loaded. */
interface LoadedWeights {
  form: string;
  decoder: Decoder;
}

/**
 * What the engine worker does: owns the device, one model and one adapter, and runs one job at a time.
 * A model or adapter whose files do not hold up leaves the one of before. Weights come to the GPU when the first job
 * needs them, in the form that its recipe asks for: a model that fits only in 4 bits must never be there in 16.
 */
export function createEngineDesk(): Throwing<EngineApi> {
  const hub = createHubLink();
  let gpu: Promise<Gpu> | null = null;
  let model: OpenModel | null = null;
  let adapter: { lora: LoraAdapter; about: AdapterDescription; training: AdapterTraining | null } | null =
    null;
  let stopTraining = false;
  let stopGenerating = false;
  let merging: AbortController | null = null;
  let last: Promise<unknown> = Promise.resolve();

  /** Jobs share the decoder's scratch memory, so each waits for the one before. */
  function inTurn<T>(job: () => Promise<T>): Promise<T> {
    const turn = last.then(job, job);
    last = turn.catch(() => undefined);
    return turn;
  }

  function device(): Promise<Gpu> {
    gpu ??= openGpu(navigator.gpu, shaders);
    // A refusal is not for ever: the person may change a setting and try again.
    gpu.catch(() => (gpu = null));
    return gpu;
  }

  function opened(): OpenModel {
    assert(model, 'no model is open');
    return model;
  }

  function keptAdapter() {
    assert(adapter, 'there is no adapter');
    return adapter;
  }

  const adapterName = (): string => `${opened().name}-adapter`;
  const runRecord = (): RunRecord | null => keptAdapter().training?.record() ?? null;

  function dropAdapter(): void {
    adapter?.lora.dispose();
    adapter = null;
  }

  /** The weights as a recipe asks for them; those that are there go first, for two may not fit. */
  async function decoderFor(
    { dtype, method, double_quant }: WeightSettings,
    streaming: Streaming,
    onProgress: (done: number, total: number) => void,
    onNotKept: (error: unknown) => void = () => undefined,
  ): Promise<Decoder> {
    const current = opened();
    const device_ = await device();
    const type = activationType(device_, dtype);
    const quantize = current.files.quantization ? null : quantizationOf({ method, double_quant });
    const form = JSON.stringify({ type, quantize, streaming });
    if (current.loaded?.form === form) return current.loaded.decoder;
    dropWeights();
    const decoder = await openDecoder(device_, current.files, type, {
      ...{ quantize, streaming, onProgress },
      spillFolder: streaming.spill ? await opfsDirectory(SPILL_FOLDER) : null,
      derived: quantize && (await openKeptWeights(onNotKept)),
    });
    current.loaded = { form, decoder };
    return decoder;
  }

  /** The losses between which a person chooses, measured once, where there is a choice and rows to measure it on. */
  async function mergeLosses(): Promise<MergeLosses | null> {
    const { lora, about, training } = keptAdapter();
    const { files } = opened();
    if (!training?.evalRows || !(training.quantize || files.quantization)) return null;
    const { evalRows, quantize } = training;
    training.losses ??= await evaluateMerges(
      await device(),
      files,
      await adapterToPeft(lora, about),
      evalRows,
      quantize?.doubleQuant ?? false,
    );
    return training.losses;
  }

  function dropWeights(): void {
    if (model?.loaded) closeDecoder(model.loaded.decoder);
    if (model) model.loaded = null;
  }

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
        const folder = await folderOf(source, hub);
        // On a Hub nothing but headers is read before the person has decided to download.
        const files = await (source.kind === 'hub' ? openModelHeaders(folder) : openModelFiles(folder));
        const tokenizer = await loadTokenizer(files.folder);
        dropWeights();
        dropAdapter();
        const base = source.kind === 'hub' || source.kind === 'cached' ? source.repo : source.name;
        model = { name: source.name, base, files, loaded: null, tokenizer };
        return summarize(source.name, files, tokenizer);
      }),

    // Neither touches the GPU, so they need not wait for a run to end.
    planMemory: async (recipe, data) => {
      const { memory, streaming } = await planRun(opened().files, recipe, await device(), data);
      return { ...memory, streaming };
    },
    streamingRungs: async (recipe, data) => streamingRungs(opened().files, recipe, await device(), data),
    fitRecipe: async (recipe, data, budget) =>
      fitRecipe(opened().files, recipe, await device(), data, budget),

    train: (recipe, dataFile, rows, evalRows, onEvent) =>
      inTurn(async () => {
        stopTraining = false;
        const { base, files } = opened();
        const device_ = await device();
        const shapes = dataShapes({ train: rows, evaluation: evalRows });
        const streaming = await chooseStreaming(files, recipe, device_, shapes);
        const loading = bytesReporter('Loading weights', (progress) =>
          onEvent({ kind: 'loading', progress }),
        );
        const decoder = await decoderFor(recipe, streaming, loading, (error) =>
          onEvent({ kind: 'notKept', detail: messageOf(error) }),
        );
        onEvent({ kind: 'phase', phase: 'Preparing the adapter' });
        // Scratch of earlier jobs may be larger than this run's.
        decoder.workspace.dispose();
        const lora = await startAdapter(decoder, recipe, null);
        dropAdapter();
        const log = runLog({
          base: files.folder,
          dataFile,
          rows: { train: rows, evaluation: evalRows },
          recipe,
        });
        const training = { quantize: quantizationOf(recipe), evalRows, losses: null, record: log.record };
        adapter = { lora, about: describeAdapter(base, recipe, null), training };
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
          },
          onEval: (step, loss) => {
            log.evaluated(step, loss);
            onEvent({ kind: 'eval', step, loss });
          },
          shouldStop: () => stopTraining,
        });
        return { ...outcome, seconds: reporter.seconds() };
      }),

    async stopTraining() {
      stopTraining = true;
      return null;
    },

    generate: (request, onText, onProgress) =>
      inTurn(async () => {
        stopGenerating = false;
        const { files, tokenizer } = opened();
        if (!tokenizer) throw new GraftError('infer.no_tokenizer');
        checkTokenizerFits(tokenizer, files.spec.vocabSize);
        const { prompt, adapterStrength, weights, ...options } = request;
        const loading = bytesReporter('Loading weights', onProgress);
        const decoder =
          opened().loaded?.decoder ??
          (await decoderFor(weights, await streamingForAnswers(files, weights, await device()), loading));
        const use: AdapterUse =
          adapter && adapterStrength !== 0
            ? { adapter: adapter.lora, strength: adapterStrength, dropout: null }
            : withoutAdapter;
        const start = performance.now();
        const ids =
          prompt.kind === 'chat'
            ? chatPrompt(tokenizer, prompt.messages)
            : textPrompt(tokenizer, prompt.text);
        const result = await answer(decoder, use, tokenizer, ids, {
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
        const current = opened();
        // A merge reads matrices, and what small tensors say of them where they are quantized.
        if (current.files.quantization) current.files = await openModelFiles(current.files.folder);
        const { files } = current;
        const peft = await readAdapter(await folderOf(source, hub));
        const lora = await loadAdapter(await device(), files.spec, peft);
        dropAdapter();
        adapter = { lora, about: { base: opened().base, dropout: 0, from: peft.config }, training: null };
        return { rank: peft.config.r, modules: peft.modules.size };
      }),

    exportSizes: () =>
      inTurn(async () => {
        const { lora, about } = keptAdapter();
        return exportSizes(await device(), opened().files, await adapterToPeft(lora, about));
      }),

    exportAdapter: (dtype) =>
      inTurn(async () => {
        const { lora, about } = keptAdapter();
        const name = adapterName();
        return adapterZip(
          name,
          await adapterFiles(name, await adapterToPeft(lora, about), dtype, runRecord()),
        );
      }),

    adapterFiles: () =>
      inTurn(async () => {
        const { lora, about } = keptAdapter();
        return adapterFiles(adapterName(), await adapterToPeft(lora, about), 'F32', runRecord());
      }),

    measureMerges: () => inTurn(mergeLosses),

    merge: (destination, settings, onProgress) =>
      inTurn(async () => {
        const { lora, about, training } = keptAdapter();
        const { name, files } = opened();
        merging = new AbortController();
        try {
          const peft = await adapterToPeft(lora, about);
          return await mergeTo(await device(), files, peft, {
            destination,
            settings,
            losses: mergeLosses,
            trainedDoubleQuant: training?.quantize?.doubleQuant ?? false,
            name: `${name}-merged`,
            run: runRecord(),
            onProgress,
            signal: merging.signal,
          });
        } finally {
          merging = null;
        }
      }),

    async cancelMerge() {
      merging?.abort();
      return null;
    },
  };
}

function bytesReporter(
  phase: string,
  onProgress: (p: Progress) => void,
): (done: number, total: number) => void {
  let told = 0;
  return (done, total) => {
    // A message for every tensor of a large model would be thousands: one for each percent will do.
    if (done < total && done - told < total / 100) return;
    told = done;
    onProgress({ phase, done, total, unit: 'bytes' });
  };
}
