import type { Gpu } from '../gpu/device.ts';
import type { MemoryPart } from '../gpu/memory.ts';
import { byteLengthOf, reshape, type ElementType, type Tensor } from '../gpu/tensor.ts';

/**
 * The scratch tensors of a forward and backward pass, by name. Each lives from its first use on and is reused
 * by every block and every micro-batch; it grows when a longer micro-batch comes.
 */
export class Workspace {
  readonly #gpu: Gpu;
  readonly #tensors = new Map<string, Tensor>();

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /**
   * The tensor called `name`, with room for `shape`. What it held before is undefined.
   * @param part what its memory counts as
   */
  get(name: string, type: ElementType, shape: readonly number[], part: MemoryPart = 'activations'): Tensor {
    const wanted = { offset: 0, type, shape } as Tensor;
    const existing = this.#tensors.get(name);
    if (existing?.type === type && byteLengthOf(existing) >= byteLengthOf(wanted))
      return reshape(existing, shape);
    if (existing) this.#gpu.memory.free(existing);
    const tensor = this.#gpu.memory.tensor(type, shape, name, part);
    this.#tensors.set(name, tensor);
    return tensor;
  }

  dispose(): void {
    for (const tensor of this.#tensors.values()) this.#gpu.memory.free(tensor);
    this.#tensors.clear();
  }
}
