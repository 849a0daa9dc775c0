/**
 * What the page and the engine worker say to each other, and what all workers share; dataProtocol.ts and hubProtocol.ts
 * have the others' parts. Everything here survives structured cloning.
 */
import type { Recipe } from '../config/recipe.ts';
import type { EndToken } from '../data/turnEnd.ts';
import type { AdapterDtype } from '../formats/peft.ts';
import type { RunsApi } from './runsProtocol.ts';
import type { ErrorCode, ErrorParams } from '../lib/errors.ts';
import type { BenchmarkExtent, DeviceBenchmark } from '../speed/benchmark.ts';
import type { RecipeFit } from '../train/fitRecipe.ts';
import type { DataShapes } from '../train/largestBatch.ts';
import type { MemoryPlan } from '../train/memoryPlan.ts';
import type { StreamingRung } from '../train/streamingPlan.ts';

export type { EndToken } from '../data/turnEnd.ts';
export type { AdapterDtype } from '../formats/peft.ts';
export type { BenchmarkExtent, DeviceBenchmark, KernelSpeed } from '../speed/benchmark.ts';
export type { StepSpeed } from '../speed/stepSpeed.ts';
export type { FitProposal, RecipeFit } from '../train/fitRecipe.ts';
export type { DataShapes } from '../train/largestBatch.ts';
export type { MemoryPlan } from '../train/memoryPlan.ts';
export type { Profile } from '../lib/profile.ts';
export type { Preparation } from '../train/prepare.ts';
export type * from './runsProtocol.ts';
export type { StreamingRung } from '../train/streamingPlan.ts';
export type { MemoryByPart, MemoryPart } from '../gpu/memory.ts';

/** Where a model's files are. */
export type ModelSource =
  /** Dropped or picked files. */
  | { kind: 'files'; name: string; files: File[] }
  /** A folder the person gave access to. */
  | { kind: 'directory'; name: string; handle: FileSystemDirectoryHandle }
  /** A model of a Hub at a commit: what is read is fetched by range through the hub worker, and not kept. */
  | { kind: 'hub'; name: string; endpoint: string; repo: string; commit: string; license: string | null }
  /** A model that was downloaded, in the origin private file system. */
  | { kind: 'cached'; name: string; host: string; repo: string; commit: string }
  /** A model that comes with the page. @param url of its folder, ending with a slash */
  | { kind: 'bundled'; name: string; url: string };

/** Worker methods return this; the client turns failures back into GraftError. */
export type Result<T> = { ok: true; value: T } | { ok: false; error: ErrorFacts };

/** An error as it travels. */
export interface ErrorFacts {
  /** Null where it is none of ours. */
  code: ErrorCode | null;
  params: ErrorParams;
  message: string;
}

export interface DeviceReport {
  description: string;
  hasF16: boolean;
  maxBufferBytes: number;
  /** The most that a shader may use at once of one buffer. */
  maxBindingBytes: number;
}

/** What a long step is about; the page has a text for each. */
export type Phase = 'weights' | 'adapter' | 'firstStep' | 'merging' | 'proving' | 'ceilings';

/** A long step: `done` of `total` in `unit`. */
export interface Progress {
  /** Null for a step of one phase. */
  phase: Phase | null;
  /** Name of what is at work now, such as a kernel’s, where it has one. */
  subject?: string;
  done: number;
  total: number;
  unit: 'bytes' | 'rows' | 'steps' | 'tensors' | 'tokens' | 'measurements';
}

export interface ModelSummary {
  name: string;
  family: string;
  parameters: number;
  bytes: number;
  layers: number;
  hiddenSize: number;
  vocabSize: number;
  maxPositions: number;
  dtypes: string[];
  tied: boolean;
  files: { name: string; size: number }[];
  /** Names of the modules LoRA can be put on. */
  linearModules: string[];
  /** Name of the output head, on which LoRA can be put too. */
  headModule: string;
  /** Names of the modules that can be trained in full beside it. */
  savableModules: string[];
  hasTokenizer: boolean;
  hasChatTemplate: boolean;
  /** How the files are quantized, such as “GPTQ”; null where they are not. */
  quantized: 'bitsandbytes' | 'gptq' | 'awq' | null;
}

/** What of a recipe decides in which form weights are on the GPU. */
export type WeightSettings = Pick<Recipe, 'method' | 'double_quant' | 'dtype' | 'memory_budget'>;

/** A chat, put in by the model's template, or a text to be continued: an empty one starts from BOS. */
export type Prompt =
  | {
      kind: 'chat';
      messages: { role: 'system' | 'user' | 'assistant'; content: string }[];
      /** Further template variables, as the recipe has them. */
      templateArgs?: Readonly<Record<string, unknown>>;
    }
  | { kind: 'text'; text: string };

/** A prompt as tokens, and the tokens that end its answer: made where the model's template may run. */
export interface PromptTokens {
  ids: number[];
  endIds: number[];
}

export interface GenerateRequest {
  /** From the data worker. */
  prompt: PromptTokens;
  maxNewTokens: number;
  temperature: number;
  topK: number;
  topP: number;
  seed: number;
  /** Strength of the adapter: 0 is the base model, 1 the tuned one. */
  adapterStrength: number;
  /** How to load the weights where none are loaded yet. */
  weights: WeightSettings;
}

export interface GenerateOutcome {
  text: string;
  tokens: number;
  stoppedBy: 'end' | 'length' | 'person';
  tokensPerSecond: number;
}

/** Where a merged model goes: a folder the person chose, one zip to download, or files to be pushed. */
export type MergeDestination =
  | { kind: 'directory'; handle: FileSystemDirectoryHandle }
  | { kind: 'zip' }
  /** Single files, for a push. */
  | { kind: 'files' };

/** A file on disk or in memory under the name it goes by. */
export interface NamedBlob {
  name: string;
  blob: Blob;
}

/** How a merged model is made and written. */
export interface MergeSettings {
  maxShardSize: string;
  /** Onto the original weights, or onto what 4 bits make of them, which QLoRA trained on. */
  onto: 'original' | 'dequantized';
  /** The result in NF4, as bitsandbytes stores it; null keeps floats. */
  quantize: null | { doubleQuant: boolean };
  /** The tokens that training taught to end answers with, from the data worker. */
  ends: EndToken[];
}

/** Bytes of what can be taken away, told before it is chosen. */
export interface ExportSizes {
  /** The weights of the adapter; null where every parameter was trained. */
  adapter: Record<AdapterDtype, number> | null;
  /** The weights of the merged model: in floats, and for an adapter in NF4 and in NF4 with double quantization. */
  merged: { floats: number; nf4: number | null; nf4Nested: number | null };
}

/** Loss on the evaluation rows of the adapter on either of the weights it can be merged onto. */
export interface MergeLosses {
  /** Null where the model comes quantized. */
  original: number | null;
  dequantized: number;
}

export interface MergeProof {
  tensors: number;
  changedTensors: number;
  bytes: number;
  /**
   * Largest |merged − (base + adapter)| over the logits of the proof tokens, and what was allowed; in NF4 against the
   * numbers its codes stand for.
   */
  maxLogitDifference: number;
  allowedLogitDifference: number;
  /** Tokens that end answers and that generation_config.json did not name before. */
  addedEnds: EndToken[];
  /** Of a result in NF4: how far its 4 bits take the logits from those of base + adapter. Else null. */
  quantizationLogitDifference: number | null;
}

export interface MergeOutcome {
  files: { name: string; size: number }[];
  proof: MergeProof;
  /** Where the adapter was trained on 4 bits and rows were kept for evaluation. */
  losses: MergeLosses | null;
  /** The zip, when that was the destination: a file on disk, not in memory. */
  zip: File | null;
  /** The files, when those were the destination: on disk too. */
  staged: NamedBlob[] | null;
}

/** What a run takes, and what of it waits on disk. */
export type PlannedRun = MemoryPlan & Pick<StreamingRung, 'streaming'>;

/** Everything that needs the GPU: one worker owns the device, so training, trying and merging never fight for it. */
export interface EngineApi extends RunsApi {
  /** Takes a port to the hub worker, for sources of kind `hub`. */
  connectHub(port: MessagePort): Promise<Result<null>>;
  openDevice(): Promise<Result<DeviceReport>>;
  /** Reads and checks a model's files; its weights are loaded by the first job that needs them. */
  openModel(source: ModelSource): Promise<Result<ModelSummary>>;
  /** GPU memory that training the open model by a recipe takes; without data, on rows of the maximal length. */
  planMemory(recipe: Recipe, data: DataShapes | null): Promise<Result<PlannedRun>>;
  /** The ways to run a recipe by memory, from everything on the GPU down: the range of its memory budget. */
  streamingRungs(recipe: Recipe, data: DataShapes | null): Promise<Result<StreamingRung[]>>;
  /** What a recipe takes, and what to change in one that takes more than `budget` bytes. */
  fitRecipe(recipe: Recipe, data: DataShapes | null, budget: number): Promise<Result<RecipeFit>>;
  generate(
    request: GenerateRequest,
    onText: (piece: string) => void,
    onProgress: (p: Progress) => void,
  ): Promise<Result<GenerateOutcome>>;
  stopGenerating(): Promise<Result<null>>;
  /** Loads a PEFT folder onto the open model; warnings are of `openAdapter` in model/. */
  openAdapter(
    source: ModelSource,
  ): Promise<Result<{ rank: number; modules: number; warnings: ErrorFacts[] }>>;
  exportSizes(): Promise<Result<ExportSizes>>;
  /** The trained or loaded adapter as a zip of a PEFT folder; in 8 bits for Graft only. @param ends as in MergeSettings */
  exportAdapter(dtype: AdapterDtype, ends: EndToken[]): Promise<Result<File>>;
  /** The same as single files, in F32. */
  adapterFiles(ends: EndToken[]): Promise<Result<NamedBlob[]>>;
  /** Losses to choose by between the weights to merge onto; null where no rows were kept or there is no choice. */
  measureMerges(): Promise<Result<MergeLosses | null>>;
  merge(
    destination: MergeDestination,
    settings: MergeSettings,
    onProgress: (p: Progress) => void,
  ): Promise<Result<MergeOutcome>>;
  /** Measures the device's ceilings, a training step, and the kernels of one, on a device opened for this alone. */
  benchmark(extent: BenchmarkExtent, onProgress: (p: Progress) => void): Promise<Result<DeviceBenchmark>>;
  /** Ends the running benchmark: it rejects with `speed.stopped`. */
  stopBenchmark(): Promise<Result<null>>;
  /** Ends the running merge; what it had written is no model, and the same merge goes on from it. */
  cancelMerge(): Promise<Result<null>>;
}
