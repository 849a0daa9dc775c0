import { serial } from '../../../base/lib/serial.ts';
import type { Gpu } from '../../gpu/device.ts';
import type { Tensor } from '../../gpu/tensor.ts';
import { EndWeights } from './endWeights.ts';
import { freeLoadScratch, type LoadScratch } from './load/loadContext.ts';
import { loadBlock } from './loadBlock.ts';
import type { ModelFiles } from '../spec/openModel.ts';
import { SlotPool } from './slotPool.ts';
import type { VocabularyRole } from './vocabulary.ts';
import { WeightLoader } from './weightLoader.ts';
import type { WeightStorage } from './weightStorage.ts';
import type { BlockWeights, EmbeddingRows, MatrixParts, WeightSource } from './weights.ts';

/**
 * Weights that are read from their files during each pass: blocks share a few slots of GPU memory, and with two or more
 * slots the next block is loaded while one computes. Embedding, final norm and head stay once loaded, unless `ends` are
 * streamed too: then only the embedding rows of a micro-batch's tokens are read, and the head in parts. Every read
 * throws `model.tensor_dtype`, and what the checkpoint throws.
 */
export class StreamedWeights implements WeightSource {
  readonly streams = true;
  readonly #gpu: Gpu;
  readonly #files: ModelFiles;
  readonly #storage: WeightStorage;
  readonly #blocks: SlotPool<BlockWeights>;
  readonly #ends: EndWeights;
  /** Loads run one after the other and share their scratch. */
  readonly #scratch: LoadScratch;
  readonly #inTurn = serial();

  /**
   * @param slots blocks on the GPU at a time: 1 saves the most memory, 2 overlap reading with computation
   * @param ends whether embedding and head are streamed too
   */
  constructor(gpu: Gpu, files: ModelFiles, storage: WeightStorage, slots = 1, ends = false) {
    this.#gpu = gpu;
    this.#files = files;
    this.#storage = storage;
    this.#scratch = { commands: gpu.commands(), staging: null };
    this.#blocks = new SlotPool(slots, (layer, former) =>
      this.#start((loader) => loadBlock(loader, files.spec, layer), former),
    );
    this.#ends = new EndWeights(gpu, files, storage, {
      start: (load, former) => this.#start(load, former),
      streams: ends,
      slots,
    });
  }

  embedding(tokens: Uint32Array): Promise<EmbeddingRows> {
    return this.#ends.embedding(tokens);
  }

  finalNorm(): Promise<Tensor | null> {
    return this.#ends.finalNorm();
  }

  vocabulary(role: VocabularyRole): Promise<MatrixParts> {
    return this.#ends.vocabulary(role);
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
    this.#ends.dispose();
    freeLoadScratch(this.#gpu, this.#scratch);
  }

  /** Queues a load after those already started. */
  #start<T>(
    load: (loader: WeightLoader) => Promise<T>,
    former?: WeightLoader,
  ): { loader: WeightLoader; value: Promise<T> } {
    const loader = new WeightLoader(this.#gpu, this.#files, this.#storage, {
      former,
      scratch: this.#scratch,
    });
    const value = this.#inTurn(async () => {
      const loaded = await load(loader);
      loader.finish();
      return loaded;
    });
    return { loader, value };
  }
}
