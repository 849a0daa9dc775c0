import { GraftError } from '../lib/errors.ts';
import { memoryParts, type MemoryPart } from '../lib/memoryParts.ts';
import { byteLengthOf, type ElementType, type Tensor } from './tensor.ts';

const STORAGE = 0x80 | 0x08 | 0x04; // STORAGE | COPY_DST | COPY_SRC

export { memoryParts, type MemoryPart };

/** Bytes of each part. */
export type MemoryByPart = Record<MemoryPart, number>;

/** Who records commands that use a buffer, and is told before it changes behind their back. */
export interface BufferWatcher {
  /** It is about to be written by the queue. */
  writing(): void;
  /** It is about to go. */
  freeing(buffer: GPUBuffer): void;
}

/** A buffer that was made and not freed yet. */
interface Live {
  /** Tells it from every other buffer, also from later ones. */
  id: number;
  size: number;
  part: MemoryPart;
  watchers: Set<BufferWatcher> | null;
}

/** Creates and counts every buffer of the device, so that the app can show and test its own GPU memory. */
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

  /** Bytes in live buffers. */
  get bytes(): number {
    return this.#bytes;
  }

  /** `bytes` by what they are for. */
  get parts(): MemoryByPart {
    return { ...this.#parts };
  }

  /** The largest `bytes` since the last `resetPeak`. */
  get peak(): number {
    return this.#peak;
  }

  /** `peak` by what it was for, at the moment it was reached. */
  get peakParts(): MemoryByPart {
    return { ...this.#peakParts };
  }

  resetPeak(): void {
    this.#peak = this.#bytes;
    this.#peakParts = this.parts;
  }

  /** Makes a zeroed buffer; the size is rounded up to 4 bytes. Throws `gpu.out_of_memory` above the device's limit. */
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

  /** Makes a zeroed tensor in a buffer of its own. */
  tensor(type: ElementType, shape: readonly number[], label: string, part: MemoryPart = 'other'): Tensor {
    const plan = { offset: 0, type, shape } as Tensor;
    return { ...plan, buffer: this.buffer(byteLengthOf(plan), label, part) };
  }

  /** A number that no other buffer has had. Throws for a buffer that was freed. */
  idOf(buffer: GPUBuffer): number {
    const live = this.#live.get(buffer);
    if (!live) throw new Error(`the buffer "${buffer.label}" was freed`);
    return live.id;
  }

  /** Has `watcher` told before the buffer is written or freed, once however often this is called. */
  watch(buffer: GPUBuffer, watcher: BufferWatcher): void {
    const live = this.#live.get(buffer);
    if (live) (live.watchers ??= new Set()).add(watcher);
  }

  /** Says that the queue is about to write to the buffer: commands that use what is there now are submitted. */
  writing(buffer: GPUBuffer): void {
    for (const watcher of this.#live.get(buffer)?.watchers ?? []) watcher.writing();
  }

  /** Destroys the buffer, after commands that use it were submitted; its memory is free once the queue has passed its last use. */
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

  /** Destroys everything that is left. */
  freeAll(): void {
    for (const buffer of [...this.#live.keys()]) this.free(buffer);
  }
}
