import { GraftError } from '../../base/lib/errors.ts';
import { memoryParts, type MemoryPart } from '../../base/lib/memoryParts.ts';
import { byteLengthOf, type ElementType, type Tensor } from './tensor.ts';

const STORAGE = 0x80 | 0x08 | 0x04; // STORAGE | COPY_DST | COPY_SRC

export { memoryParts, type MemoryPart };

/** Bytes of each part. */
export type MemoryByPart = Record<MemoryPart, number>;

/** Records commands that use a buffer, and is notified before others change it. */
export interface BufferWatcher {
  /** The queue is about to write to one of its buffers. */
  writing(): void;
  /** The buffer is about to be destroyed. */
  freeing(buffer: GPUBuffer): void;
}

/** A buffer that has not been freed. */
interface Live {
  /** Unique among all buffers, including freed ones. */
  id: number;
  size: number;
  part: MemoryPart;
  watchers: Set<BufferWatcher> | null;
}

/** Allocates and counts all GPU buffers, so that the app can show and test its GPU memory use. */
export class GpuMemory {
  #device: GPUDevice;
  #live = new Map<GPUBuffer, Live>();
  #ids = 0;
  #bytes = 0;
  #peak = 0;
  readonly #parts = Object.fromEntries(memoryParts.map((part) => [part, 0])) as MemoryByPart;
  #peakParts = { ...this.#parts };

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Bytes of all live buffers. */
  get bytes(): number {
    return this.#bytes;
  }

  /** `bytes` by part. */
  get parts(): MemoryByPart {
    return { ...this.#parts };
  }

  /** The largest `bytes` since the last `resetPeak`. */
  get peak(): number {
    return this.#peak;
  }

  /** `peak` by part, at the moment it was reached. */
  get peakParts(): MemoryByPart {
    return { ...this.#peakParts };
  }

  resetPeak(): void {
    this.#peak = this.#bytes;
    this.#peakParts = this.parts;
  }

  /**
   * Allocates a zeroed buffer; the size is rounded up to 4 bytes. Throws `gpu.out_of_memory` above the device's limit.
   */
  buffer(bytes: number, label: string, part: MemoryPart = 'other', usage: number = STORAGE): GPUBuffer {
    const size = Math.max(4, Math.ceil(bytes / 4) * 4);
    if (size > this.#device.limits.maxBufferSize)
      throw new GraftError('gpu.out_of_memory', { bytes: size, label });
    const buffer = this.#device.createBuffer({ size, usage, label });
    this.#ids += 1;
    this.#live.set(buffer, { id: this.#ids, size, part, watchers: null });
    this.#bytes += size;
    this.#parts[part] += size;
    if (this.#bytes > this.#peak) this.resetPeak();
    return buffer;
  }

  /** Allocates a zeroed tensor in a buffer of its own. */
  tensor(type: ElementType, shape: readonly number[], label: string, part: MemoryPart = 'other'): Tensor {
    const plan = { offset: 0, type, shape } as Tensor;
    return { ...plan, buffer: this.buffer(byteLengthOf(plan), label, part) };
  }

  /** A number unique to this buffer. Throws if the buffer was freed. */
  idOf(buffer: GPUBuffer): number {
    const live = this.#live.get(buffer);
    if (!live) throw new Error(`the buffer "${buffer.label}" was freed`);
    return live.id;
  }

  /** Notifies `watcher` before the buffer is written or freed; calling it again has no effect. */
  watch(buffer: GPUBuffer, watcher: BufferWatcher): void {
    const live = this.#live.get(buffer);
    if (live) (live.watchers ??= new Set()).add(watcher);
  }

  /** Call before the queue writes to the buffer: submits recorded commands that use its current contents. */
  writing(buffer: GPUBuffer): void {
    for (const watcher of this.#live.get(buffer)?.watchers ?? []) watcher.writing();
  }

  /**
   * Destroys the buffer after submitting the commands that use it; its memory is freed once the queue has passed its
   * last use.
   */
  free(resource: GPUBuffer | Tensor): void {
    const buffer = 'buffer' in resource ? resource.buffer : resource;
    const live = this.#live.get(buffer);
    if (live === undefined) return;
    for (const watcher of live.watchers ?? []) watcher.freeing(buffer);
    this.#live.delete(buffer);
    this.#bytes -= live.size;
    this.#parts[live.part] -= live.size;
    buffer.destroy();
  }

  /** Destroys all remaining buffers. */
  freeAll(): void {
    for (const buffer of [...this.#live.keys()]) this.free(buffer);
  }
}
