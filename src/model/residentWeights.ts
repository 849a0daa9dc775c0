import type { Checkpoint } from '../formats/checkpoint.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Tensor } from '../gpu/tensor.ts';
import type { Weight } from '../kernels/weight.ts';
import { loadBlock, loadEnds, type Ends } from './loadBlock.ts';
import type { DecoderSpec } from './spec.ts';
import { WeightLoader } from './weightLoader.ts';
import type { BlockWeights, WeightSource } from './weights.ts';

/** Every weight in GPU memory, from the first step to the last. */
export class ResidentWeights implements WeightSource {
  readonly #gpu: Gpu;
  readonly #ends: Ends;
  readonly #blocks: readonly BlockWeights[];
  readonly #owned: readonly Tensor[];

  private constructor(gpu: Gpu, ends: Ends, blocks: readonly BlockWeights[], owned: readonly Tensor[]) {
    this.#gpu = gpu;
    this.#ends = ends;
    this.#blocks = blocks;
    this.#owned = owned;
  }

  /**
   * Loads the whole checkpoint.
   * @param halve store F32 matrices as f16
   * @param onProgress bytes read so far, of those to read
   */
  static async load(
    gpu: Gpu,
    spec: DecoderSpec,
    checkpoint: Checkpoint,
    options: { halve: boolean; onProgress?: (done: number, total: number) => void },
  ): Promise<ResidentWeights> {
    let done = 0;
    const onBytes = (bytes: number) => options.onProgress?.((done += bytes), checkpoint.totalBytes);
    const loader = new WeightLoader(gpu, checkpoint, { halve: options.halve, onBytes });
    const ends = await loadEnds(loader, spec);
    const blocks: BlockWeights[] = [];
    for (let layer = 0; layer < spec.layers; layer++) blocks.push(await loadBlock(loader, spec, layer));
    gpu.throwIfFailed();
    return new ResidentWeights(gpu, ends, blocks, [
      ...ends.tensors,
      ...blocks.flatMap((b) => tensorsOfBlock(b)),
    ]);
  }

  async embedding(): Promise<Weight> {
    return this.#ends.embedding;
  }

  async finalNorm(): Promise<Tensor> {
    return this.#ends.finalNorm;
  }

  async head(): Promise<Weight> {
    return this.#ends.head;
  }

  async block(layer: number): Promise<BlockWeights> {
    const block = this.#blocks[layer];
    if (!block) throw new RangeError(`no block ${layer}`);
    return block;
  }

  release(): void {
    // Resident weights stay.
  }

  dispose(): void {
    for (const tensor of this.#owned) this.#gpu.memory.free(tensor);
  }
}

/** Every tensor a block owns. */
export function tensorsOfBlock(block: BlockWeights): Tensor[] {
  const linears = Object.values(block.linears).flatMap(({ weight, bias }) => [
    ...weight.chunks.map((c) => c.data),
    ...(bias ? [bias] : []),
  ]);
  const norms = [block.inputNorm, block.postNorm, block.qNorm, block.kNorm].filter((t) => t !== null);
  return [...norms, ...linears];
}
