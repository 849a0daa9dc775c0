import { loadVocabulary, type Vocabulary } from '../data/tokenizer.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Decoder } from '../model/decoder.ts';
import { activationType, closeDecoder, openDecoder, quantizationOf } from '../model/openDecoder.ts';
import { openModelFiles, openModelHeaders, type ModelFiles } from '../model/openModel.ts';
import type { Streaming } from '../model/streaming.ts';
import { opfsDirectory } from '../storage/opfsDirectory.ts';
import type { HubLink } from './hubLink.ts';
import { openKeptWeights } from './keptWeights.ts';
import type { ModelSource, WeightSettings } from './protocol.ts';
import { folderOf } from './sourceFolder.ts';

/** In the origin private file system, for the inputs of blocks that do not fit the GPU. */
export const SPILL_FOLDER = 'spill';

/** How loading is heard of. */
export interface LoadReports {
  onProgress(done: number, total: number): void;
  /** The 4-bit weights were not left on disk for the next load. */
  onNotKept?(error: unknown): void;
}

/** A model that is open: its files and tokenizer, and its weights on the GPU once something has asked for them. */
export class OpenedModel {
  readonly source: ModelSource;
  readonly name: string;
  /** What an adapter of it says it belongs to: the name on its Hub, where there is one. */
  readonly base: string;
  readonly tokenizer: Vocabulary | null;
  #files: ModelFiles;
  /** Weights on the GPU, and what was asked for when they were loaded. */
  #loaded: { form: string; decoder: Decoder } | null = null;

  private constructor(source: ModelSource, files: ModelFiles, tokenizer: Vocabulary | null) {
    this.source = source;
    this.name = source.name;
    this.base = source.kind === 'hub' || source.kind === 'cached' ? source.repo : source.name;
    this.#files = files;
    this.tokenizer = tokenizer;
  }

  /** Reads and checks a model's files; of one on a Hub nothing but headers. Throws what is wrong with them. */
  static async open(source: ModelSource, hub: HubLink): Promise<OpenedModel> {
    const folder = await folderOf(source, hub);
    const files = await (source.kind === 'hub' ? openModelHeaders(folder) : openModelFiles(folder));
    return new OpenedModel(source, files, await loadVocabulary(folder));
  }

  get files(): ModelFiles {
    return this.#files;
  }

  /** Reads what small tensors say of quantized matrices, where only headers were read so far: a merge needs it. */
  async readQuantized(): Promise<ModelFiles> {
    if (this.#files.quantization) this.#files = await openModelFiles(this.#files.folder);
    return this.#files;
  }

  /** The weights in the form they were last asked for; null before. */
  get decoder(): Decoder | null {
    return this.#loaded?.decoder ?? null;
  }

  /** The weights as a recipe asks for them; those that are there go first, for two may not fit. */
  async decoderFor(
    gpu: Gpu,
    { dtype, method, double_quant }: WeightSettings,
    streaming: Streaming,
    { onProgress, onNotKept = () => undefined }: LoadReports,
  ): Promise<Decoder> {
    const type = activationType(gpu, dtype);
    const quantize = this.files.quantization ? null : quantizationOf({ method, double_quant });
    const form = JSON.stringify({ type, quantize, streaming });
    if (this.#loaded?.form === form) return this.#loaded.decoder;
    this.dropWeights();
    const decoder = await openDecoder(gpu, this.files, type, {
      ...{ quantize, streaming, onProgress },
      spillFolder: streaming.spill ? await opfsDirectory(SPILL_FOLDER) : null,
      derived: quantize && (await openKeptWeights(onNotKept)),
    });
    this.#loaded = { form, decoder };
    return decoder;
  }

  dropWeights(): void {
    if (this.#loaded) closeDecoder(this.#loaded.decoder);
    this.#loaded = null;
  }
}
