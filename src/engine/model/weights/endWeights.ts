import type { FloatMatrix } from '../../../content/formats/quantized/types.ts';
import type { Gpu } from '../../gpu/device.ts';
import type { Tensor } from '../../gpu/tensor.ts';
import type { Weight } from '../../kernels/weight.ts';
import type { ModelFiles } from '../spec/openModel.ts';
import { EmbeddingTable } from './embeddingRows.ts';
import { embeddingStaysOnDisk } from './embeddingPlace.ts';
import { loadFinalNorm } from './loadBlock.ts';
import { SlotPool } from './slotPool.ts';
import {
  loadVocabulary,
  loadVocabularyPart,
  vocabularyMatrix,
  vocabularyRanges,
  type VocabularyRole,
} from './vocabulary.ts';
import type { WeightLoader } from './weightLoader.ts';
import type { WeightStorage } from './weightStorage.ts';
import { onePart, type EmbeddingRows, type MatrixParts } from './weights.ts';

/** Maximum number of parts of a matrix on the GPU: one is used while the next is loaded. */
const MAX_PARTS = 2;

/** A value that is loaded once, and its owner. */
interface Held<T> {
  loader: WeightLoader;
  value: Promise<T>;
}

/** Starts a load after those already started; `former` is no longer needed, and its tensors are reused. */
export type StartLoad = <T>(load: (loader: WeightLoader) => Promise<T>, former?: WeightLoader) => Held<T>;

/**
 * The weights before the first block and after the last. They stay once loaded, except for what is on disk: of an
 * embedding the rows of a micro-batch's tokens are read, of a head a part at a time.
 */
export class EndWeights {
  readonly #gpu: Gpu;
  readonly #files: ModelFiles;
  readonly #storage: WeightStorage;
  readonly #start: StartLoad;
  readonly #streams: boolean;
  readonly #partSlots: number;
  #norm: Held<Tensor | null> | null = null;
  #table: EmbeddingTable | null = null;
  /** Matrices that stay; a tied head is the embedding, unless it is stored in fewer bits. */
  readonly #whole = new Map<string, Held<Weight>>();
  /** Matrices that are loaded in parts. */
  readonly #parts = new Map<string, MatrixParts & { dispose(): void }>();

  /**
   * @param streams whether both matrices are on disk; else the embedding alone may be (`embeddingStaysOnDisk`)
   * @param slots parts of a matrix on the GPU at a time
   */
  constructor(
    gpu: Gpu,
    files: ModelFiles,
    storage: WeightStorage,
    { start, streams, slots }: { start: StartLoad; streams: boolean; slots: number },
  ) {
    this.#gpu = gpu;
    this.#files = files;
    this.#storage = storage;
    this.#start = start;
    this.#streams = streams;
    this.#partSlots = Math.min(slots, MAX_PARTS);
  }

  /** Loads what stays. Throws `model.tensor_dtype`, and what the checkpoint throws. */
  async load(): Promise<void> {
    if (!this.#onDisk('embedding')) await this.#loadWhole('embedding');
    await this.finalNorm();
    if (!this.#onDisk('head')) await this.#loadWhole('head');
  }

  /** As `WeightSource.embedding`. */
  async embedding(tokens: Uint32Array): Promise<EmbeddingRows> {
    const stored = this.#onDisk('embedding');
    if (!stored) return { weight: await this.#loadWhole('embedding'), rows: tokens };
    this.#table ??= new EmbeddingTable(this.#gpu, this.#files, stored, this.#storage.halve);
    return this.#table.rowsOf(tokens);
  }

  /** As `WeightSource.finalNorm`. */
  async finalNorm(): Promise<Tensor | null> {
    this.#norm ??= this.#start((loader) => loadFinalNorm(loader, this.#files.spec));
    return this.#norm.value;
  }

  /** As `WeightSource.vocabulary`. */
  async vocabulary(role: VocabularyRole): Promise<MatrixParts> {
    if (!this.#onDisk(role)) return onePart(await this.#loadWhole(role));
    const key = this.#keyOf(role);
    const parts = this.#parts.get(key) ?? this.#partsOf(role);
    this.#parts.set(key, parts);
    return parts;
  }

  dispose(): void {
    for (const parts of this.#parts.values()) parts.dispose();
    this.#parts.clear();
    this.#table?.dispose();
    for (const { loader } of this.#whole.values()) loader.dispose();
    this.#whole.clear();
    this.#norm?.loader.dispose();
    [this.#norm, this.#table] = [null, null];
  }

  /** A matrix that is not on the GPU as a whole; null for one that stays, such as a quantized one. */
  #onDisk(role: VocabularyRole): FloatMatrix | null {
    const stored = this.#files.matrices.get(vocabularyMatrix(this.#files.spec, role).module);
    const onDisk =
      this.#streams || (role === 'embedding' && embeddingStaysOnDisk(this.#files, this.#storage.head));
    return onDisk && stored?.kind === 'float' ? stored : null;
  }

  #keyOf(role: VocabularyRole): string {
    const { module } = vocabularyMatrix(this.#files.spec, role);
    return role === 'head' && this.#storage.head ? `${module} as the head` : module;
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

  #loadWhole(role: VocabularyRole): Promise<Weight> {
    const key = this.#keyOf(role);
    const held =
      this.#whole.get(key) ??
      this.#start((loader) => loadVocabulary(loader, this.#files, role, this.#gpu.maxBinding));
    this.#whole.set(key, held);
    return held.value;
  }
}
