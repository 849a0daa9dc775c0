import type { Checkpoint } from '../formats/checkpoint.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Tensor } from '../gpu/tensor.ts';
import type { Weight } from '../kernels/weight.ts';
import { loadBlock, loadEnds, type Ends } from './loadBlock.ts';
import { tensorsOfBlock } from './residentWeights.ts';
import type { DecoderSpec } from './spec.ts';
import { WeightLoader } from './weightLoader.ts';
import type { BlockWeights, WeightSource } from './weights.ts';

/** Weights that stay in their files: a block is in GPU memory only while it computes. */
export class StreamedWeights implements WeightSource {
  readonly #gpu: Gpu;
  readonly #spec: DecoderSpec;
  readonly #loader: WeightLoader;
  #ends: Promise<Ends> | null = null;
  #blocks = new Map<number, BlockWeights>();

  constructor(gpu: Gpu, spec: DecoderSpec, checkpoint: Checkpoint) {
    this.#gpu = gpu;
    this.#spec = spec;
    this.#loader = new WeightLoader(gpu, checkpoint, { halve: false });
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
    const loaded = this.#blocks.get(layer) ?? (await loadBlock(this.#loader, this.#spec, layer));
    this.#blocks.set(layer, loaded);
    return loaded;
  }

  release(layer: number): void {
    const block = this.#blocks.get(layer);
    if (!block) return;
    this.#blocks.delete(layer);
    // A destroyed buffer lives on until the queue has passed the commands that use it.
    for (const tensor of tensorsOfBlock(block)) this.#gpu.memory.free(tensor);
  }

  dispose(): void {
    for (const layer of [...this.#blocks.keys()]) this.release(layer);
    void this.#ends?.then(({ tensors }) => tensors.forEach((tensor) => this.#gpu.memory.free(tensor)));
    this.#ends = null;
  }

  #loadEnds(): Promise<Ends> {
    this.#ends ??= loadEnds(this.#loader, this.#spec);
    return this.#ends;
  }
}
