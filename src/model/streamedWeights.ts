import type { FloatMatrix } from '../formats/quantized/types.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Tensor } from '../gpu/tensor.ts';
import type { Weight } from '../kernels/weight.ts';
import { EmbeddingTable } from './embeddingRows.ts';
import { freeLoadScratch, type LoadScratch } from './load/loadContext.ts';
import { loadBlock, loadFinalNorm } from './loadBlock.ts';
import type { ModelFiles } from './openModel.ts';
import { SlotPool } from './slotPool.ts';
import {
  loadVocabulary,
  loadVocabularyPart,
  vocabularyMatrix,
  vocabularyRanges,
  type VocabularyRole,
} from './vocabulary.ts';
import { WeightLoader, type WeightStorage } from './weightLoader.ts';
import {
  onePart,
  type BlockWeights,
  type EmbeddingRows,
  type MatrixParts,
  type WeightSource,
} from './weights.ts';

/** Parts of the head on the GPU at once: one is used while the next comes. */
const MOST_PARTS = 2;

/** Something loaded once, with what owns it. */
interface Held<T> {
  loader: WeightLoader;
  value: Promise<T>;
}

/**
 * Weights that stay in their files: a block is in one of a few slots of GPU memory while it computes, and with two slots
 * or more the next is on its way meanwhile. Embedding, final norm and head stay once they were asked for, unless `ends`
 * come from their files too: then only the rows of a micro-batch's tokens come of the embedding, and the head in parts.
 * Every read throws `model.tensor_dtype`, and what the checkpoint throws.
 */
export class StreamedWeights implements WeightSource {
  readonly streams = true;
  readonly #gpu: Gpu;
  readonly #files: ModelFiles;
  readonly #storage: WeightStorage;
  readonly #blocks: SlotPool<BlockWeights>;
  readonly #streamsEnds: boolean;
  readonly #partSlots: number;
  #norm: Held<Tensor> | null = null;
  #table: EmbeddingTable | null = null;
  /** Vocabulary matrices that stay, by module: a tied head is the embedding. */
  readonly #whole = new Map<string, Held<Weight>>();
  /** Those that come in parts. */
  readonly #parts = new Map<string, MatrixParts & { dispose(): void }>();
  /** Loads come one after the other: they share what only loading needs. */
  readonly #scratch: LoadScratch;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * @param slots blocks on the GPU at once: 1 saves most memory, 2 hide reading behind computing
   * @param ends whether embedding and head come from their files too
   */
  constructor(gpu: Gpu, files: ModelFiles, storage: WeightStorage, slots = 1, ends = false) {
    this.#gpu = gpu;
    this.#files = files;
    this.#storage = storage;
    this.#streamsEnds = ends;
    this.#partSlots = Math.min(slots, MOST_PARTS);
    this.#scratch = { commands: gpu.commands(), staging: null };
    this.#blocks = new SlotPool(slots, (layer, former) =>
      this.#start((loader) => loadBlock(loader, files.spec, layer), former),
    );
  }

  async embedding(tokens: Uint32Array): Promise<EmbeddingRows> {
    const stored = this.#inParts('embedding');
    if (!stored) return { weight: await this.#loadWhole('embedding'), rows: tokens };
    this.#table ??= new EmbeddingTable(this.#gpu, this.#files, stored, this.#storage.halve);
    return this.#table.rowsOf(tokens);
  }

  async finalNorm(): Promise<Tensor> {
    this.#norm ??= this.#start((loader) => loadFinalNorm(loader, this.#files.spec));
    return this.#norm.value;
  }

  async vocabulary(role: VocabularyRole): Promise<MatrixParts> {
    if (!this.#inParts(role)) return onePart(await this.#loadWhole(role));
    const { module } = vocabularyMatrix(this.#files.spec, role);
    const parts = this.#parts.get(module) ?? this.#partsOf(role);
    this.#parts.set(module, parts);
    return parts;
  }

  block(layer: number): Promise<BlockWeights> {
    return this.#blocks.take(layer);
  }

  prefetch(layers: readonly number[]): void {
    this.#blocks.prefetch(layers);
  }

  release(layer: number): void {
    this.#blocks.release(layer);
  }

  dispose(): void {
    this.#blocks.dispose();
    for (const parts of this.#parts.values()) parts.dispose();
    this.#parts.clear();
    this.#table?.dispose();
    for (const { loader } of this.#whole.values()) loader.dispose();
    this.#whole.clear();
    this.#norm?.loader.dispose();
    [this.#norm, this.#table] = [null, null];
    freeLoadScratch(this.#gpu, this.#scratch);
  }

  #partsOf(role: VocabularyRole): MatrixParts & { dispose(): void } {
    const ranges = vocabularyRanges(this.#files, role, this.#gpu.maxBinding);
    const pool = new SlotPool(this.#partSlots, (index, former) =>
      this.#start((loader) => loadVocabularyPart(loader, this.#files, role, ranges[index]!), former),
    );
    return {
      count: ranges.length,
      part: (index) => pool.take(index),
      prefetch: (indices) => pool.prefetch(indices),
      release: (index) => pool.release(index),
      dispose: () => pool.dispose(),
    };
  }

  /** A vocabulary matrix that comes in parts; null for one that stays, as a quantized one does. */
  #inParts(role: VocabularyRole): FloatMatrix | null {
    const stored = this.#files.matrices.get(vocabularyMatrix(this.#files.spec, role).module);
    return this.#streamsEnds && stored?.kind === 'float' ? stored : null;
  }

  #loadWhole(role: VocabularyRole): Promise<Weight> {
    const { module } = vocabularyMatrix(this.#files.spec, role);
    const held =
      this.#whole.get(module) ??
      this.#start((loader) => loadVocabulary(loader, this.#files, role, this.#gpu.maxBinding));
    this.#whole.set(module, held);
    return held.value;
  }

  /** Begins a load that comes after those that were begun before. */
  #start<T>(load: (loader: WeightLoader) => Promise<T>, former?: WeightLoader): Held<T> {
    const loader = new WeightLoader(this.#gpu, this.#files, this.#storage, {
      former,
      scratch: this.#scratch,
    });
    const value = this.#last.then(async () => {
      const loaded = await load(loader);
      loader.finish();
      return loaded;
    });
    this.#last = value.catch(() => undefined);
    return { loader, value };
  }
}
