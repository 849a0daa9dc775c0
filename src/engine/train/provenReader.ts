import type { Gpu } from '../gpu/device.ts';
import { byteLengthOf, type Tensor } from '../gpu/tensor.ts';
import { mapForReading, upload } from '../gpu/transfer.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { serial } from '../../base/lib/serial.ts';

const MAP_READ = 0x01;
const COPY_DST = 0x08;

/** Bytes that are read back at once. */
export const READBACK_BYTES = 4 * 1024 * 1024;

/** Each piece is followed by a number that was sent to the GPU just before. */
const PROOF_BYTES = 4;

/**
 * Reads GPU memory back and proves that it did: most calls on a lost device seem to succeed. One read at a time; its
 * memory is allocated by the constructor and freed by `dispose`.
 */
export class ProvenReader {
  readonly #gpu: Gpu;
  readonly #staging: GPUBuffer;
  readonly #proof: Tensor;
  readonly #piece: number;
  #nonce = 0;
  readonly #inTurn = serial();

  /** @param largest bytes of the largest tensor that is going to be read */
  constructor(gpu: Gpu, largest: number) {
    this.#gpu = gpu;
    this.#piece = Math.min(READBACK_BYTES, largest);
    const bytes = this.#piece + PROOF_BYTES;
    this.#staging = gpu.memory.buffer(bytes, 'checkpoint readback', 'staging', MAP_READ | COPY_DST);
    this.#proof = gpu.memory.tensor('u32', [1], 'proof of a readback', 'staging');
  }

  /**
   * Bytes of a tensor, after all that was submitted before; offset and length are multiples of 4. Throws how the
   * device failed, `gpu.device_lost` where it is silent about that.
   */
  read(tensor: Tensor, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#inTurn(() => this.#read(tensor, offset, length));
  }

  /** All bytes of a tensor. */
  readAll(tensor: Tensor): Promise<Uint8Array<ArrayBuffer>> {
    return this.read(tensor, 0, byteLengthOf(tensor));
  }

  async #read(tensor: Tensor, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += this.#piece) {
      await this.#copy(tensor, offset + at, bytes.subarray(at, Math.min(length, at + this.#piece)));
    }
    return bytes;
  }

  async #copy(tensor: Tensor, offset: number, into: Uint8Array): Promise<void> {
    const gpu = this.#gpu;
    const size = into.byteLength;
    this.#nonce = (this.#nonce + 0x9e3779b9) >>> 0;
    upload(gpu, this.#proof, Uint32Array.of(this.#nonce));
    const encoder = gpu.device.createCommandEncoder();
    encoder.copyBufferToBuffer(tensor.buffer, tensor.offset + offset, this.#staging, 0, size);
    encoder.copyBufferToBuffer(this.#proof.buffer, 0, this.#staging, size, PROOF_BYTES);
    gpu.device.queue.submit([encoder.finish()]);
    await mapForReading(gpu, this.#staging);
    const mapped = this.#staging.getMappedRange(0, size + PROOF_BYTES);
    into.set(new Uint8Array(mapped, 0, size));
    const [proof] = new Uint32Array(mapped.slice(size));
    this.#staging.unmap();
    gpu.throwIfFailed();
    if (proof !== this.#nonce && !gpu.dry) {
      throw new GraftError('gpu.device_lost', { reason: 'it returned different values than were written' });
    }
  }

  dispose(): void {
    this.#gpu.memory.free(this.#staging);
    this.#gpu.memory.free(this.#proof);
  }
}

/** Whether every f32 of these bytes is a number: asked of their exponents, as kernels do. */
export function allFinite(bytes: Uint8Array<ArrayBuffer>): boolean {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  for (const word of words) if ((word & 0x7f800000) === 0x7f800000) return false;
  return true;
}
