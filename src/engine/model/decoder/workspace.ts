import type { Gpu } from '../../gpu/device.ts';
import type { MemoryPart } from '../../gpu/memory.ts';
import { FloatReader } from '../../gpu/transfer.ts';
import { byteLengthOf, reshape, type ElementType, type Tensor } from '../../gpu/tensor.ts';

/**
 * Scratch tensors of a forward and backward pass, by name. Each lives from its first use on and is reused by every
 * block and micro-batch; it grows for a longer micro-batch.
 */
export class Workspace {
  readonly #gpu: Gpu;
  readonly #tensors = new Map<string, Tensor>();
  /** For what is read back within a step, whose memory must not depend on when that is. */
  readonly reader: FloatReader;

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
    this.reader = new FloatReader(gpu);
  }

  /**
   * The tensor called `name`, large enough for `shape`. Its contents are undefined.
   * @param part the memory part to count it under
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
    this.reader.dispose();
  }
}
