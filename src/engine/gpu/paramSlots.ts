import type { Kernel } from './kernel.ts';
import type { GpuMemory } from './memory.ts';

/** Stride of slots in bytes: the alignment of dynamic offsets that every adapter supports. */
const SLOT = 256;

/** Maximum number of dispatches per submit. */
const SLOTS = 1024;

const UNIFORM_COPY_DST = 0x40 | 0x08;

/** The parameters of a submit's dispatches: one slot each, in one buffer that is written once. */
export class ParamSlots {
  readonly buffer: GPUBuffer;
  readonly #bytes = new ArrayBuffer(SLOT * SLOTS);
  readonly #u32 = new Uint32Array(this.#bytes);
  readonly #i32 = new Int32Array(this.#bytes);
  readonly #f32 = new Float32Array(this.#bytes);
  #used = 0;

  constructor(memory: GpuMemory) {
    this.buffer = memory.buffer(SLOT * SLOTS, 'kernel parameters', 'other', UNIFORM_COPY_DST);
  }

  /** Whether the next dispatch needs a submit first. */
  get full(): boolean {
    return this.#used === SLOTS;
  }

  /** Writes a kernel's `params` to a slot and returns its offset in bytes. Throws if one is missing. */
  write(kernel: Kernel, params: Record<string, number>): number {
    const offset = this.#used * SLOT;
    let at = offset / 4;
    for (const { name, type } of kernel.params) {
      const value = params[name];
      if (value === undefined) throw new Error(`${kernel.name}: no parameter "${name}"`);
      if (type === 'f32') this.#f32[at] = value;
      else if (type === 'i32') this.#i32[at] = value;
      else this.#u32[at] = value;
      at += 1;
    }
    this.#used += 1;
    return offset;
  }

  /** Writes the slots to the GPU, after every earlier submit, and starts over. */
  flush(queue: GPUQueue): void {
    if (this.#used > 0) queue.writeBuffer(this.buffer, 0, this.#bytes, 0, this.#used * SLOT);
    this.#used = 0;
  }
}
