import { assert } from '../lib/errors.ts';
import type { Gpu } from './device.ts';
import type { Tensor } from './tensor.ts';

const MAP_WRITE = 0x02;
const COPY_SRC = 0x04;

const MIB = 1024 * 1024;

/** Staging buffers that are filled while others are on their way. */
const SLOTS = 4;

/** The largest of them: with four, 32 MiB are read ahead of the GPU. */
const LARGEST = 8 * MIB;

/** The smallest worth a copy of its own. */
const SMALLEST = 256 * 1024;

/** Below this many bytes `queue.writeBuffer` is as fast as a ring, and takes no memory of ours. */
export const RING_FROM = SMALLEST;

/** Writes bytes `from` … `from + into.byteLength − 1` of what is uploaded into memory the GPU copies from. */
export type ReadInto = (from: number, into: Uint8Array<ArrayBuffer>) => Promise<void>;

interface Slot {
  buffer: GPUBuffer | null;
  size: number;
  /** Resolves when the queue has passed the last copy from it. */
  mapped: Promise<unknown>;
  /** Whether someone writes into its memory: then it must not be destroyed. */
  held: boolean;
  /** Uploads through it follow each other. */
  turn: Promise<unknown>;
}

/**
 * A ring of mapped staging buffers: bytes are read straight into memory the GPU copies from, and the next pieces are
 * read while the queue has not yet come to the copies of those before, as far as the ring goes. Its buffers are made
 * when they are first needed, together at most as large as the largest upload, and count as staging.
 */
export class UploadRing {
  readonly #gpu: Gpu;
  readonly #largest: number;
  readonly #slots: Slot[];
  #next = 0;
  #disposed = false;

  constructor(gpu: Gpu, { slots = SLOTS, largest = LARGEST }: { slots?: number; largest?: number } = {}) {
    this.#gpu = gpu;
    this.#largest = largest;
    const empty = (): Slot => ({
      ...{ buffer: null, size: 0, held: false },
      ...{ mapped: Promise.resolve(), turn: Promise.resolve() },
    });
    this.#slots = Array.from({ length: slots }, empty);
  }

  /**
   * Brings `length` bytes into `target` from its start on; the rest of the last word becomes zero. Resolves when all
   * copies are submitted: what is submitted later sees the bytes. Throws what `read` throws and how the device failed.
   */
  async upload(target: Tensor, length: number, read: ReadInto): Promise<void> {
    // Parts of one matrix go side by side, and the ring stays as small as the matrices are.
    const share = Math.ceil(length / this.#slots.length / 256) * 256;
    const piece = Math.min(this.#largest, Math.max(SMALLEST, share));
    const pieces: Promise<void>[] = [];
    for (let at = 0; at < length; at += piece) {
      const size = Math.min(piece, length - at);
      const slot = this.#slots[this.#next % this.#slots.length]!;
      this.#next += 1;
      if (this.#gpu.dry) this.#grow(slot, size);
      else pieces.push(this.#inTurn(slot, () => this.#bring(slot, target, at, size, read)));
    }
    // All of them end before this does, so that nothing is read any more once it has failed.
    const failed = (await Promise.allSettled(pieces)).find(({ status }) => status === 'rejected');
    if (failed) throw (failed as PromiseRejectedResult).reason;
  }

  /** Frees its buffers; one that is being filled goes when that ends. */
  dispose(): void {
    this.#disposed = true;
    for (const slot of this.#slots) if (!slot.held) this.#free(slot);
  }

  #inTurn(slot: Slot, work: () => Promise<void>): Promise<void> {
    const turn = slot.turn.then(work);
    slot.turn = turn.catch(() => undefined);
    return turn;
  }

  async #bring(slot: Slot, target: Tensor, at: number, size: number, read: ReadInto): Promise<void> {
    assert(!this.#disposed, 'an upload goes on after its end');
    const buffer = this.#grow(slot, size);
    slot.held = true;
    try {
      await slot.mapped;
      const words = Math.ceil(size / 4) * 4;
      const memory = new Uint8Array(buffer.getMappedRange(0, words));
      memory.fill(0, size);
      await read(at, memory.subarray(0, size));
      // The target may be gone with it.
      assert(!this.#disposed, 'an upload goes on after its end');
      buffer.unmap();
      const { device } = this.#gpu;
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(buffer, 0, target.buffer, target.offset + at, words);
      device.queue.submit([encoder.finish()]);
      this.#map(slot, buffer);
    } catch (error) {
      this.#gpu.throwIfFailed();
      throw error;
    } finally {
      slot.held = false;
      // A range that was mapped in vain would refuse the next one.
      if (this.#disposed || buffer.mapState === 'mapped') this.#free(slot);
    }
  }

  #map(slot: Slot, buffer: GPUBuffer): void {
    slot.mapped = buffer.mapAsync(MAP_WRITE);
    // Told to whoever needs the slot next; nobody may.
    slot.mapped.catch(() => undefined);
  }

  #grow(slot: Slot, size: number): GPUBuffer {
    if (slot.buffer && slot.size >= size) return slot.buffer;
    this.#free(slot);
    slot.buffer = this.#gpu.memory.buffer(size, 'upload', 'staging', MAP_WRITE | COPY_SRC);
    slot.size = size;
    this.#map(slot, slot.buffer);
    return slot.buffer;
  }

  #free(slot: Slot): void {
    if (slot.buffer) this.#gpu.memory.free(slot.buffer);
    slot.buffer = null;
    slot.size = 0;
  }
}
