import type { Gpu } from '../gpu/device.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { loadBlock, loadEnds, type Ends } from './loadBlock.ts';
import type { ModelFiles } from './openModel.ts';
import { WeightLoader, type WeightStorage } from './weightLoader.ts';
import type { VocabularyRole } from './vocabulary.ts';
import {
  onePart,
  type BlockWeights,
  type EmbeddingRows,
  type MatrixParts,
  type WeightSource,
} from './weights.ts';

/** Every weight in GPU memory, from the first step to the last. */
export class ResidentWeights implements WeightSource {
  readonly streams = false;
  readonly #loader: WeightLoader;
  readonly #ends: Ends;
  readonly #blocks: readonly BlockWeights[];

  private constructor(loader: WeightLoader, ends: Ends, blocks: readonly BlockWeights[]) {
    this.#loader = loader;
    this.#ends = ends;
    this.#blocks = blocks;
  }

  /**
   * Loads the whole checkpoint. If it fails, what was loaded is freed.
   * @param onProgress bytes read so far, of those to read
   * Throws `model.tensor_dtype`, and what the checkpoint and the device throw.
   */
  static async load(
    gpu: Gpu,
    files: ModelFiles,
    storage: WeightStorage,
    onProgress?: (done: number, total: number) => void,
  ): Promise<ResidentWeights> {
    let done = 0;
    const { spec, checkpoint } = files;
    const total = storage.derived?.bytesToRead(checkpoint) ?? checkpoint.totalBytes;
    const onBytes = (bytes: number) => onProgress?.((done += bytes), total);
    const loader = new WeightLoader(gpu, files, storage, { onBytes });
    try {
      const ends = await loadEnds(loader, files, gpu.maxBinding);
      const blocks: BlockWeights[] = [];
      for (let layer = 0; layer < spec.layers; layer++) blocks.push(await loadBlock(loader, spec, layer));
      loader.finish();
      gpu.throwIfFailed();
      return new ResidentWeights(loader, ends, blocks);
    } catch (error) {
      loader.dispose();
      throw error;
    }
  }

  async embedding(tokens: Uint32Array): Promise<EmbeddingRows> {
    return { weight: this.#ends.embedding, rows: tokens };
  }

  async finalNorm(): Promise<Tensor> {
    return this.#ends.finalNorm;
  }

  async vocabulary(role: VocabularyRole): Promise<MatrixParts> {
    return onePart(this.#ends[role]);
  }

  async block(layer: number): Promise<BlockWeights> {
    const block = this.#blocks[layer];
    if (!block) throw new RangeError(`no block ${layer}`);
    return block;
  }

  prefetch(): void {
    // Resident weights are there.
  }

  release(): void {
    // Resident weights stay.
  }

  dispose(): void {
    this.#loader.dispose();
  }
}
