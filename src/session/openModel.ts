import type { Recipe } from '../base/config/recipe.ts';
import type { Folder } from '../base/storage/types.ts';
import { loadVocabulary } from '../content/data/tokenizer/tokenizer.ts';
import type { Vocabulary } from '../content/data/tokenizer/vocabulary.ts';
import type { Gpu } from '../engine/gpu/device.ts';
import type { Decoder } from '../engine/model/decoder/decoder.ts';
import { openModelFiles, openModelHeaders, type ModelFiles } from '../engine/model/spec/openModel.ts';
import {
  activationType,
  closeDecoder,
  headOf,
  openDecoder,
  quantizationOf,
} from '../engine/model/weights/openDecoder.ts';
import type { Streaming } from '../engine/model/weights/streaming.ts';
import type { Host } from './host.ts';

/** The settings of a recipe that decide in which form weights are on the GPU. */
export type WeightSettings = Pick<Recipe, 'method' | 'double_quant' | 'head' | 'dtype' | 'memory_budget'>;

export interface OpenModelOptions {
  /** What the model is called; by default the folder's name. */
  name?: string;
  /** What an adapter's config names as its base: a repo id where there is one; by default the name. */
  base?: string;
  /** Reads config.json and headers alone: enough to plan and train, where the rest comes over a network. */
  headersOnly?: boolean;
  /** Whether 4-bit weights made of it are cached for later loads; by default they are. */
  cacheQuantized?: boolean;
}

/** How loading is reported. */
export interface LoadReports {
  /** Bytes loaded, of all. */
  onProgress?(done: number, total: number): void;
  /** The 4-bit weights were not cached for the next load. */
  onNotCached?(error: unknown): void;
}

/** An open model: its files and tokenizer, and its weights on the GPU once something has asked for them. */
export class OpenModel {
  readonly name: string;
  readonly base: string;
  /** Null for a folder without a tokenizer. */
  readonly tokenizer: Vocabulary | null;
  readonly #host: Host;
  readonly #cacheQuantized: boolean;
  #files: ModelFiles;
  #loaded: { form: string; decoder: Decoder } | null = null;

  private constructor(
    host: Host,
    files: ModelFiles,
    tokenizer: Vocabulary | null,
    options: OpenModelOptions,
  ) {
    const { name = files.folder.name, base = name, cacheQuantized = true } = options;
    this.name = name;
    this.base = base;
    this.tokenizer = tokenizer;
    this.#host = host;
    this.#files = files;
    this.#cacheQuantized = cacheQuantized;
  }

  /** Reads and checks a Hugging Face folder. Throws every named error of its files. */
  static async open(host: Host, folder: Folder, options: OpenModelOptions = {}): Promise<OpenModel> {
    const files = await (options.headersOnly ? openModelHeaders(folder) : openModelFiles(folder));
    return new OpenModel(host, files, await loadVocabulary(folder), options);
  }

  get files(): ModelFiles {
    return this.#files;
  }

  /** Reads the small tensors that describe quantized matrices, where only headers were read so far: a merge needs them. */
  async readQuantized(): Promise<ModelFiles> {
    if (this.#files.quantization) this.#files = await openModelFiles(this.#files.folder);
    return this.#files;
  }

  /** The weights in the form last asked for; null before the first load. */
  get decoder(): Decoder | null {
    return this.#loaded?.decoder ?? null;
  }

  /** The weights as `settings` ask for them. Others are dropped first: two sets may not fit. */
  async decoderFor(
    gpu: Gpu,
    settings: Omit<WeightSettings, 'memory_budget'>,
    streaming: Streaming,
    { onProgress, onNotCached = () => undefined }: LoadReports = {},
  ): Promise<Decoder> {
    const type = activationType(gpu, settings);
    const quantize = this.files.quantization ? null : quantizationOf(settings);
    const head = headOf(settings);
    const form = JSON.stringify({ type, quantize, head, streaming });
    if (this.#loaded?.form === form) return this.#loaded.decoder;
    this.dropWeights();
    const decoder = await openDecoder(gpu, this.files, type, {
      quantize,
      head,
      streaming,
      onProgress,
      spillFolder: streaming.spill ? await this.#host.spillFolder() : null,
      derived: quantize && this.#cacheQuantized ? await this.#host.quantizedCache(onNotCached) : null,
    });
    this.#loaded = { form, decoder };
    return decoder;
  }

  /** Frees the weights on the GPU; the next job loads them again. */
  dropWeights(): void {
    if (this.#loaded) closeDecoder(this.#loaded.decoder);
    this.#loaded = null;
  }
}
