import { GraftError } from '../lib/errors.ts';
import { byteLengthOf, type ElementType, type Tensor } from './tensor.ts';

const STORAGE = 0x80 | 0x08 | 0x04; // STORAGE | COPY_DST | COPY_SRC

/** Creates and counts every buffer of the device, so that the app can show and test its own GPU memory. */
export class GpuMemory {
  #device: GPUDevice;
  #live = new Map<GPUBuffer, number>();
  #bytes = 0;
  #peak = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Bytes in live buffers. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The largest `bytes` since the last `resetPeak`. */
  get peak(): number {
    return this.#peak;
  }

  resetPeak(): void {
    this.#peak = this.#bytes;
  }

  /** Makes a zeroed buffer; the size is rounded up to 4 bytes. Throws `gpu.out_of_memory` above the device's limit. */
  buffer(bytes: number, label: string, usage: number = STORAGE): GPUBuffer {
    const size = Math.max(4, Math.ceil(bytes / 4) * 4);
    if (size > this.#device.limits.maxBufferSize)
      throw new GraftError('gpu.out_of_memory', { bytes: size, label });
    const buffer = this.#device.createBuffer({ size, usage, label });
    this.#live.set(buffer, size);
    this.#bytes += size;
    this.#peak = Math.max(this.#peak, this.#bytes);
    return buffer;
  }

  /** Makes a zeroed tensor in a buffer of its own. */
  tensor(type: ElementType, shape: readonly number[], label: string): Tensor {
    const plan = { offset: 0, type, shape } as Tensor;
    return { ...plan, buffer: this.buffer(byteLengthOf(plan), label) };
  }

  /** Destroys the buffer; its memory is free once the queue has passed its last use. */
  free(resource: GPUBuffer | Tensor): void {
    const buffer = 'buffer' in resource ? resource.buffer : resource;
    const size = this.#live.get(buffer);
    if (size === undefined) return;
    this.#live.delete(buffer);
    this.#bytes -= size;
    buffer.destroy();
  }

  /** Destroys everything that is left. */
  freeAll(): void {
    for (const buffer of [...this.#live.keys()]) this.free(buffer);
  }
}
