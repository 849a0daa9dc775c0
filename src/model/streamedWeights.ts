import type { Gpu } from '../gpu/device.ts';
import type { Tensor } from '../gpu/tensor.ts';
import type { Weight } from '../kernels/weight.ts';
import { loadBlock, loadEnds, type Ends } from './loadBlock.ts';
import type { ModelFiles } from './openModel.ts';
import { WeightLoader, type WeightStorage } from './weightLoader.ts';
import type { BlockWeights, WeightSource } from './weights.ts';

/** Something on the GPU with the loader that owns its tensors. */
interface Loaded<T> {
  loader: WeightLoader;
  value: Promise<T>;
}

/**
 * Weights that stay in their files: a block is in GPU memory only while it computes. Every read throws
 * `model.tensor_dtype`, and what the checkpoint throws.
 */
export class StreamedWeights implements WeightSource {
  readonly #gpu: Gpu;
  readonly #files: ModelFiles;
  readonly #storage: WeightStorage;
  #ends: Loaded<Ends> | null = null;
  readonly #blocks = new Map<number, Loaded<BlockWeights>>();

  constructor(gpu: Gpu, files: ModelFiles, storage: WeightStorage) {
    this.#gpu = gpu;
    this.#files = files;
    this.#storage = storage;
  }

  async embedding(): Promise<Weight> {
    return (await this.#loadEnds()).embedding;
  }

  async finalNorm(): Promise<Tensor> {
    return (await this.#loadEnds()).finalNorm;
  }

  async head(): Promise<Weight> {
    return (await this.#loadEnds()).head;
  }

  async block(layer: number): Promise<BlockWeights> {
    const loaded =
      this.#blocks.get(layer) ?? this.#load((loader) => loadBlock(loader, this.#files.spec, layer));
    this.#blocks.set(layer, loaded);
    return loaded.value;
  }

  release(layer: number): void {
    this.#blocks.get(layer)?.loader.dispose();
    this.#blocks.delete(layer);
  }

  dispose(): void {
    for (const layer of [...this.#blocks.keys()]) this.release(layer);
    this.#ends?.loader.dispose();
    this.#ends = null;
  }

  #loadEnds(): Promise<Ends> {
    this.#ends ??= this.#load((loader) => loadEnds(loader, this.#files.spec));
    return this.#ends.value;
  }

  #load<T>(load: (loader: WeightLoader) => Promise<T>): Loaded<T> {
    const loader = new WeightLoader(this.#gpu, this.#files, this.#storage);
    const value = load(loader).then((loaded) => {
      loader.finish();
      return loaded;
    });
    return { loader, value };
  }
}
