import type { Commands } from '../gpu/commands.ts';
import type { Gpu } from '../gpu/device.ts';
import { byteLengthOf, type Tensor } from '../gpu/tensor.ts';

const MAP_READ = 0x01;
const COPY_DST = 0x08;

/** Reads tensors back from the GPU through reused buffers, while the GPU continues. */
export class Readback {
  readonly #gpu: Gpu;
  readonly #idle: Tensor[] = [];
  readonly #all: Tensor[] = [];

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /**
   * Submits the recorded commands and a copy of a tensor of words, and resolves to its bytes: commands that follow may
   * overwrite the tensor. Allocates as many buffers as reads overlap, in the size of the first.
   */
  async read(commands: Commands, tensor: Tensor): Promise<Uint8Array<ArrayBuffer>> {
    const size = byteLengthOf(tensor);
    const staging = this.#take(tensor);
    commands.copy(tensor, { ...staging, shape: tensor.shape });
    commands.submit();
    await staging.buffer.mapAsync(MAP_READ, 0, size);
    const bytes = new Uint8Array(staging.buffer.getMappedRange(0, size).slice(0));
    staging.buffer.unmap();
    this.#gpu.throwIfFailed();
    this.#idle.push(staging);
    return bytes;
  }

  dispose(): void {
    for (const tensor of this.#all) this.#gpu.memory.free(tensor);
  }

  #take({ type, shape }: Tensor): Tensor {
    const size = byteLengthOf({ type, shape });
    const found = this.#idle.findIndex((tensor) => byteLengthOf(tensor) >= size);
    const [idle] = found < 0 ? [] : this.#idle.splice(found, 1);
    if (idle) return idle;
    const buffer = this.#gpu.memory.buffer(size, 'readback', 'staging', MAP_READ | COPY_DST);
    const made: Tensor = { buffer, offset: 0, type, shape };
    this.#all.push(made);
    return made;
  }
}
