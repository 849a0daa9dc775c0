import { assert } from '../../base/lib/errors.ts';
import { serial, type Serial } from '../../base/lib/serial.ts';
import type { Gpu } from './device.ts';
import type { Tensor } from './tensor.ts';

const MAP_WRITE = 0x02;
const COPY_SRC = 0x04;

const MIB = 1024 * 1024;

/** Number of staging buffers: some are filled while others are being copied. */
const SLOTS = 4;

/** Size of a staging buffer: four of them read up to 32 MiB ahead of the GPU. */
const MAX_PIECE = 8 * MIB;

/** Smallest piece worth a copy of its own. */
const MIN_PIECE = 256 * 1024;

/** Below this many bytes `queue.writeBuffer` is as fast as a ring, and takes none of our memory. */
export const RING_FROM = MIN_PIECE;

/** Writes bytes `from` … `from + into.byteLength − 1` of the upload into mapped memory. */
export type ReadInto = (from: number, into: Uint8Array<ArrayBuffer>) => Promise<void>;

interface Slot {
  buffer: GPUBuffer | null;
  size: number;
  /** Resolves when the queue has passed the last copy from the buffer. */
  mapped: Promise<unknown>;
  /** Whether its memory is being written to: then it must not be destroyed. */
  held: boolean;
  /** Uploads through it follow each other. */
  inTurn: Serial;
}

/**
 * A ring of mapped staging buffers: bytes are read straight into memory that the GPU copies from, and the next pieces
 * are read while earlier copies are still queued. Buffers are allocated on first use, are together no larger than the
 * largest upload, and count as staging.
 */
export class UploadRing {
  readonly #gpu: Gpu;
  readonly #largest: number;
  readonly #slots: Slot[];
  #next = 0;
  #disposed = false;

  constructor(gpu: Gpu, { slots = SLOTS, largest = MAX_PIECE }: { slots?: number; largest?: number } = {}) {
    this.#gpu = gpu;
    this.#largest = largest;
    const empty = (): Slot => ({
      buffer: null,
      size: 0,
      held: false,
      mapped: Promise.resolve(),
      inTurn: serial(),
    });
    this.#slots = Array.from({ length: slots }, empty);
  }

  /**
   * Uploads `length` bytes to the start of `target`, zero-padding the last word. Resolves when all copies are
   * submitted, so that later submits see the bytes. Throws what `read` throws, and if the device failed.
   */
  async upload(target: Tensor, length: number, read: ReadInto): Promise<void> {
    // The pieces of one upload run in parallel, and the ring stays as small as the matrices are.
    const share = Math.ceil(length / this.#slots.length / 256) * 256;
    const piece = Math.min(this.#largest, Math.max(MIN_PIECE, share));
    const pieces: Promise<void>[] = [];
    for (let at = 0; at < length; at += piece) {
      const size = Math.min(piece, length - at);
      const slot = this.#slots[this.#next % this.#slots.length]!;
      this.#next += 1;
      if (this.#gpu.dry) this.#grow(slot, size);
      else pieces.push(slot.inTurn(() => this.#bring(slot, target, at, size, read)));
    }
    // Waits for all of them, so that nothing is still being read after a failure.
    const failed = (await Promise.allSettled(pieces)).find(({ status }) => status === 'rejected');
    if (failed) throw (failed as PromiseRejectedResult).reason;
  }

  /** Frees the buffers; one being filled is freed afterwards. */
  dispose(): void {
    this.#disposed = true;
    for (const slot of this.#slots) if (!slot.held) this.#free(slot);
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
      // The target may have been freed too.
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
      // A buffer left mapped would fail the next upload.
      if (this.#disposed || buffer.mapState === 'mapped') this.#free(slot);
    }
  }

  #map(slot: Slot, buffer: GPUBuffer): void {
    slot.mapped = buffer.mapAsync(MAP_WRITE);
    // Reported to the next upload through this slot, if there is one.
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
