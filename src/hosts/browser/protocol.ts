/**
 * The engine worker's API. dataProtocol.ts, hubProtocol.ts and textProtocol.ts have those of the other workers, messages.ts
 * what they share. Everything here survives structured cloning.
 */
import type { Recipe } from '../../base/config/recipe.ts';
import type { EndToken } from '../../content/data/labels/turnEnd.ts';
import type { AdapterDtype } from '../../content/formats/peft.ts';
import type { PromptTokens } from '../../content/guard/textProtocol.ts';
import type { ExportKind, UsageFacts } from '../../content/hub/usage.ts';
import type { ModelSource, NamedBlob, Progress } from './messages.ts';
import type { RunsApi } from './runsProtocol.ts';
import type { MixOptions } from '../../content/mix/mixAdapters.ts';
import type { ErrorFacts } from '../../base/lib/errorFacts.ts';
import type { BenchmarkExtent, DeviceBenchmark } from '../../engine/speed/deviceBenchmark.ts';
import type { RecipeFit } from '../../engine/train/fitRecipe.ts';
import type { DataShapes } from '../../engine/train/largestBatch.ts';
import type { MemoryPlan } from '../../engine/train/memoryPlan.ts';
import type { ChatParts } from '../../content/data/template/chatParts.ts';
import type { GgufExportType } from '../../content/formats/gguf/exportTypes.ts';
import type { GgufSummary } from '../../content/formats/gguf/ggufFolder.ts';
import type { GgufProof } from '../../engine/merge/gguf/verifyGguf.ts';
import type { GgufForecast } from '../../session/ggufExport.ts';
import type { MergeProof } from '../../engine/merge/verifyMerge.ts';
import type { MergeLosses } from '../../engine/train/evaluateMerges.ts';
import type { DtypeComparison } from '../../session/compareDtypes.ts';
import type { ExportSizes, MergeSettings } from '../../session/mergeTrained.ts';
import type { Answer } from '../../engine/infer/answer.ts';
import type { EvaluationData } from '../../session/evaluation/evaluationData.ts';
import type { EvaluationProgress } from '../../session/evaluation/evaluateRows.ts';
import type { EvaluationReport } from '../../session/evaluation/report.ts';
import type { WeightSettings } from '../../session/openModel.ts';
import type { OffloadLevel } from '../../engine/train/streamingPlan.ts';

export type { AnswerPiece } from '../../engine/infer/answer.ts';
export type { EndToken } from '../../content/data/labels/turnEnd.ts';
export type { Prompt, PromptTokens } from '../../content/guard/textProtocol.ts';
export type { ExportKind, GgufTarget, UsageFacts, UseTarget } from '../../content/hub/usage.ts';
export type { AdapterDtype } from '../../content/formats/peft.ts';
export type { BenchmarkExtent, DeviceBenchmark, KernelSpeed } from '../../engine/speed/deviceBenchmark.ts';
export type { DecodingSpeed } from '../../engine/speed/decodingSpeed.ts';
export type { StepSpeed } from '../../engine/speed/stepSpeed.ts';
export type { FitProposal, RecipeFit } from '../../engine/train/fitRecipe.ts';
export type { DataShapes } from '../../engine/train/largestBatch.ts';
export type { MemoryPlan } from '../../engine/train/memoryPlan.ts';
export type { Profile } from '../../base/lib/profile.ts';
export type { Preparation } from '../../engine/train/prepare.ts';
export type * from './messages.ts';
export type * from './runsProtocol.ts';
export type { OffloadLevel } from '../../engine/train/streamingPlan.ts';
export type { ChatParts } from '../../content/data/template/chatParts.ts';
export type { GgufProof } from '../../engine/merge/gguf/verifyGguf.ts';
export type { GgufForecast } from '../../session/ggufExport.ts';
export type { GgufExportType } from '../../content/formats/gguf/exportTypes.ts';
export type { GgufSummary } from '../../content/formats/gguf/ggufFolder.ts';
export { majorities, mixRules, type Majority, type MixRule } from '../../content/mix/mixRules.ts';
export { floatDtypes } from '../../content/formats/dtypes.ts';
export type { DtypeComparison } from '../../session/compareDtypes.ts';
export type { MergeProof } from '../../engine/merge/verifyMerge.ts';
export type { MergeLosses } from '../../engine/train/evaluateMerges.ts';
export type { ExportSizes } from '../../session/mergeTrained.ts';
export type { EvaluationReport, Figure, RowReport, SystemReport } from '../../session/evaluation/report.ts';
export { isSwapped, tallyVotes, type Vote } from '../../content/metrics/votes.ts';
export {
  pairsOf,
  votableRows,
  votedCsv,
  voteOn,
  votesOnPair,
  withVotes,
  type Pair,
} from '../../session/evaluation/votedReport.ts';
export type { MetricName } from '../../content/metrics/metrics.ts';
export { readMetricOptions, readShots, type MetricTexts } from '../../content/metrics/metricOptions.ts';
export type { WeightSettings } from '../../session/openModel.ts';
export type { MemoryByPart, MemoryPart } from '../../engine/gpu/memory.ts';

export interface DeviceReport {
  description: string;
  hasF16: boolean;
  maxBufferBytes: number;
  /** The largest part of a buffer that a shader can bind. */
  maxBindingBytes: number;
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
  /** Names of the modules that LoRA can adapt. */
  linearModules: string[];
  /** Name of the output head, which LoRA can adapt too. */
  headModule: string;
  /** Names of the modules that can be trained in full beside it. */
  savableModules: string[];
  hasTokenizer: boolean;
  hasChatTemplate: boolean;
  /** How the files are quantized; null where they are not. */
  quantized: 'bitsandbytes' | 'gptq' | 'awq' | null;
  /** What is in the GGUF file that was opened; null where it was no such file. */
  gguf: GgufSummary | null;
}

/** A checkpoint of a stored run. */
export interface CheckpointRef {
  run: string;
  step: number;
}

/** An adapter that was opened or mixed, by its id. */
export interface ShelvedRef {
  shelved: string;
}

/** What may answer in place of the adapter of now. */
export type TrainedRef = CheckpointRef | ShelvedRef;

/** An adapter of the open model that is kept beside others. */
export interface ShelvedAdapter {
  id: string;
  rank: number;
  modules: number;
  /** Those of `openAdapter` in engine/model. */
  warnings: ErrorFacts[];
}

/** Something to be mixed; `result` is what was trained or opened last. */
export type MixedFrom = TrainedRef | 'result';

/** Adapters to be mixed into one, with a weight each, and how. */
export interface MixRequest extends MixOptions {
  /** Names are for errors. */
  adapters: { name: string; from: MixedFrom; weight: number }[];
}

export interface GenerateRequest {
  /** From the data worker. */
  prompt: PromptTokens;
  /** How many of the likeliest tokens each token of the answer is shown with. */
  alternatives?: number;
  maxNewTokens: number;
  temperature: number;
  topK: number;
  topP: number;
  repetitionPenalty: number;
  seed: number;
  /** Strength of the adapter: 0 is the base model, 1 the tuned one. */
  adapterStrength: number;
  /** Answers with what a stored run had trained by then or with an adapter of the shelf, in place of the adapter of now. */
  trained: TrainedRef | null;
  /** How to load the weights where none are loaded yet. */
  weights: WeightSettings;
}

/** Many prompts that one model answers together. */
export interface GenerateManyRequest extends Omit<GenerateRequest, 'prompt' | 'alternatives'> {
  prompts: PromptTokens[];
}

/** What scores rows: the base first. */
export interface EvaluationRequest {
  /** From the data worker. */
  data: EvaluationData;
  systems: ({ name: string } & Pick<GenerateRequest, 'adapterStrength' | 'trained'>)[];
  /** Of the intervals. */
  seed: number;
  weights: WeightSettings;
}

/** How far an evaluation is. */
export interface EvaluationStep extends EvaluationProgress {
  system: number;
}

export interface GenerateOutcome extends Answer {
  tokensPerSecond: number;
}

/** Where a merged model goes: a folder the user chose, one zip to download, or files to be pushed. */
export type MergeTarget =
  | { kind: 'directory'; handle: FileSystemDirectoryHandle }
  | { kind: 'zip' }
  /** Single files, for a push to a repo. */
  | { kind: 'files'; repo: string };

/** How a merged model is made and written. */
export interface MergeRequest extends Pick<MergeSettings, 'onto' | 'quantize' | 'floats'> {
  /** Such as "5GB". */
  maxShardSize: string;
  /** The tokens that training taught to end answers with, from the data worker. */
  ends: EndToken[];
}

export interface MergeOutcome {
  files: { name: string; size: number }[];
  proof: MergeProof;
  /** Whether the chosen folder held it before: nothing was written then. */
  alreadyFinished: boolean;
  /** Null unless the adapter was trained on 4 bits with rows held out for evaluation. */
  losses: MergeLosses | null;
  /** The zip, where that was the target: a file on disk, not in memory. */
  zip: File | null;
  /** The files, where those were the target: on disk, too. */
  staged: NamedBlob[] | null;
}

/** How a result is written as GGUF. */
export interface GgufRequest {
  /** One file, the adapter alone as one, or a zip or folder for Ollama or of a chat page. */
  form: 'file' | 'lora' | 'ollama' | 'chat';
  type: GgufExportType;
  onto: MergeRequest['onto'];
  /** The tokens that training taught to end answers with, and the template's parts, from the data worker. */
  ends: EndToken[];
  chat: ChatParts | null;
}

export interface GgufOutcome {
  files: { name: string; size: number }[];
  /** Null for an adapter, which is only copied. */
  proof: GgufProof | null;
  /** The file or zip to download, on disk; null where it was saved to a folder. */
  file: File | null;
}

/** The memory of a run, and what of it is offloaded to disk. */
export type PlannedRun = MemoryPlan & Pick<OffloadLevel, 'streaming'>;

/** Everything that needs the GPU: one worker owns the device, so training, generating and merging never compete for it. */
export interface EngineApi extends RunsApi {
  /** Takes a port to the hub worker, for sources of kind `hub`. */
  connectHub(port: MessagePort): Promise<void>;
  /** Takes a port to the page, which runs functions of recipes: `SandboxApi`. */
  connectSandboxes(port: MessagePort): Promise<void>;
  openDevice(): Promise<DeviceReport>;
  /** Reads and checks a model's files; the first job that needs weights loads them. */
  openModel(source: ModelSource): Promise<ModelSummary>;
  /** GPU memory of training the open model by a recipe; without data, on rows of the maximum length. */
  planMemory(recipe: Recipe, data: DataShapes | null): Promise<PlannedRun>;
  /** The ways to run a recipe by memory, from everything on the GPU downwards: the range of its memory budget. */
  offloadLevels(recipe: Recipe, data: DataShapes | null): Promise<OffloadLevel[]>;
  /** The memory of a recipe, and what to change where that is more than `budget` bytes. */
  fitRecipe(recipe: Recipe, data: DataShapes | null, budget: number): Promise<RecipeFit>;
  generate(
    request: GenerateRequest,
    onText: (piece: string) => void,
    onProgress: (p: Progress) => void,
  ): Promise<GenerateOutcome>;
  /**
   * Answers prompts together, each as `generate` does; null for one that `stopGenerating` left without an answer.
   * @param onAnswer gets each answer when it has ended, possibly after the outcome
   */
  generateMany(
    request: GenerateManyRequest,
    onAnswer: (prompt: number, outcome: GenerateOutcome) => void,
    onProgress: (p: Progress) => void,
  ): Promise<(GenerateOutcome | null)[]>;
  stopGenerating(): Promise<void>;
  /** Scores rows with each system in turn, and compares them with the first; null where `stopEvaluating` ended it. */
  evaluate(
    request: EvaluationRequest,
    onStep: (step: EvaluationStep) => void,
    onLoading: (p: Progress) => void,
  ): Promise<EvaluationReport | null>;
  stopEvaluating(): Promise<void>;
  /** Puts a PEFT folder for the open model on the shelf, and loads it as the adapter of now. */
  openAdapter(source: ModelSource): Promise<ShelvedAdapter>;
  /** Takes an adapter of the shelf as the adapter of now. */
  takeShelved(id: string): Promise<void>;
  /** Removes an adapter from the shelf; the adapter of now stays. */
  removeShelved(id: string): Promise<void>;
  /**
   * Mixes adapters into one, puts it on the shelf, and takes it as the adapter of now. Throws `merge.mix_*`,
   * `train.full_no_adapter`, `runs.*`, `train.resume_other_model`.
   */
  mixAdapters(request: MixRequest): Promise<ShelvedAdapter>;
  exportSizes(): Promise<ExportSizes>;
  /** The names that commands need to use what is exported, by what it is. @param ends as in MergeRequest */
  usageFacts(ends: EndToken[]): Promise<Record<ExportKind, UsageFacts>>;
  /** The trained or loaded adapter as a zip of a PEFT folder; in 8 bits for Graft only. @param ends as in MergeRequest */
  exportAdapter(dtype: AdapterDtype, ends: EndToken[]): Promise<File>;
  /** The same as single files, in F32. @param repo that they are pushed to */
  adapterFiles(ends: EndToken[], repo: string): Promise<NamedBlob[]>;
  /** Losses on either of the weights to merge onto; null without a choice, or without held-out rows. */
  measureMerges(): Promise<MergeLosses | null>;
  /** What merging the result into each dtype changes; null without held-out rows. */
  compareDtypes(onto: MergeRequest['onto']): Promise<DtypeComparison | null>;
  merge(target: MergeTarget, request: MergeRequest, onProgress: (p: Progress) => void): Promise<MergeOutcome>;
  /** What the result would be as GGUF, by type. Throws `merge.*`, `formats.gguf_write_*`. */
  ggufForecasts(): Promise<Record<GgufExportType, GgufForecast>>;
  /** Writes the result as GGUF: to a folder, else into a file to download. `cancelMerge` ends it. */
  exportGguf(
    handle: FileSystemDirectoryHandle | null,
    request: GgufRequest,
    onProgress: (p: Progress) => void,
  ): Promise<GgufOutcome>;
  /** Measures the device's ceilings, a training step and its kernels, on a device opened for this alone. */
  benchmark(extent: BenchmarkExtent, onProgress: (p: Progress) => void): Promise<DeviceBenchmark>;
  /** Ends the running benchmark: it rejects with `speed.stopped`. */
  stopBenchmark(): Promise<void>;
  /** Ends the running merge; what it wrote is no model yet, and the same merge continues from it. */
  cancelMerge(): Promise<void>;
}
