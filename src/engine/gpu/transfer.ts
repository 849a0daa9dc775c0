import { GraftError, messageOf } from '../../base/lib/errors.ts';
import type { Commands } from './commands.ts';
import type { Gpu } from './device.ts';
import { byteLengthOf, elementsOf, type Tensor } from './tensor.ts';
import { f16ToF32 } from '../../base/lib/floats.ts';

const MAP_READ = 0x01;
const COPY_DST = 0x08;

/** Writes raw bytes to the start of a tensor, after everything recorded so far. */
export function uploadBytes(gpu: Gpu, tensor: Tensor, bytes: Uint8Array<ArrayBuffer>): void {
  gpu.memory.writing(tensor.buffer);
  const whole = bytes.byteLength - (bytes.byteLength % 4);
  gpu.device.queue.writeBuffer(tensor.buffer, tensor.offset, bytes, 0, whole);
  if (whole < bytes.byteLength) {
    // WebGPU writes multiples of four bytes: the tail is padded with zeros.
    const tail = new Uint8Array(4);
    tail.set(bytes.subarray(whole));
    gpu.device.queue.writeBuffer(tensor.buffer, tensor.offset + whole, tail);
  }
}

/** Writes a typed array to the start of a tensor, after everything recorded so far. */
export function upload(
  gpu: Gpu,
  tensor: Tensor,
  values: Float32Array | Uint32Array | Int32Array | Uint16Array,
): void {
  uploadBytes(
    gpu,
    tensor,
    new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength),
  );
}

/** Reads back a tensor's bytes. Waits for everything submitted before. */
export async function readBytes(gpu: Gpu, tensor: Tensor): Promise<Uint8Array<ArrayBuffer>> {
  for await (const bytes of readInPieces(gpu, tensor, byteLengthOf(tensor))) return bytes;
  return new Uint8Array();
}

/**
 * Maps a buffer to be read. Throws how the device failed; where only the mapping fails, as when the GPU's process has ended
 * a moment before the device says so, `gpu.device_lost`.
 */
export async function mapForReading(gpu: Gpu, buffer: GPUBuffer): Promise<void> {
  try {
    await buffer.mapAsync(MAP_READ);
  } catch (error) {
    gpu.throwIfFailed();
    throw new GraftError('gpu.device_lost', { reason: messageOf(error) }, { cause: error });
  }
}

/** Reads back a tensor's bytes, at most `pieceBytes` (a multiple of 4) at a time. */
export async function* readInPieces(
  gpu: Gpu,
  tensor: Tensor,
  pieceBytes: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const length = byteLengthOf(tensor);
  const staging = gpu.memory.buffer(Math.min(pieceBytes, length), 'readback', 'staging', MAP_READ | COPY_DST);
  try {
    for (let at = 0; at < length; at += pieceBytes) {
      yield new Uint8Array(await readThrough(gpu, staging, tensor, at, Math.min(pieceBytes, length - at)));
    }
  } finally {
    gpu.memory.free(staging);
  }
}

/** `size` bytes of a tensor from byte `at` on, after everything submitted before. Throws how the device failed. */
async function readThrough(
  gpu: Gpu,
  staging: GPUBuffer,
  tensor: Tensor,
  at: number,
  size: number,
): Promise<ArrayBuffer> {
  const encoder = gpu.device.createCommandEncoder();
  encoder.copyBufferToBuffer(tensor.buffer, tensor.offset + at, staging, 0, size);
  gpu.device.queue.submit([encoder.finish()]);
  await mapForReading(gpu, staging);
  const bytes = staging.getMappedRange(0, size).slice(0);
  staging.unmap();
  gpu.throwIfFailed();
  return bytes;
}

/** Reads back an f32 or f16 tensor as f32. */
export async function readFloats(gpu: Gpu, tensor: Tensor): Promise<Float32Array<ArrayBuffer>> {
  const bytes = await readBytes(gpu, tensor);
  const count = elementsOf(tensor);
  if (tensor.type === 'f16') return f16ToF32(new Uint16Array(bytes.buffer, 0, count));
  return new Float32Array(bytes.buffer, 0, count);
}

/** Reads back f32 tensors through a staging buffer that stays, and grows for a larger one. One read at a time. */
export class FloatReader {
  readonly #gpu: Gpu;
  #staging: GPUBuffer | null = null;

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /** The tensor's values after everything submitted before. Throws how the device failed. */
  async read(tensor: Tensor): Promise<Float32Array<ArrayBuffer>> {
    const gpu = this.#gpu;
    const size = byteLengthOf(tensor);
    if (!this.#staging || this.#staging.size < size) {
      this.dispose();
      this.#staging = gpu.memory.buffer(size, 'readback', 'staging', MAP_READ | COPY_DST);
    }
    return new Float32Array(await readThrough(gpu, this.#staging, tensor, 0, size));
  }

  dispose(): void {
    if (this.#staging) this.#gpu.memory.free(this.#staging);
    this.#staging = null;
  }
}

/** Reads back a small tensor repeatedly through a persistent staging buffer. */
export class NumberReader {
  readonly #gpu: Gpu;
  readonly #source: Tensor;
  readonly #staging: Tensor;

  /** @param source f32 */
  constructor(gpu: Gpu, source: Tensor) {
    this.#gpu = gpu;
    this.#source = source;
    const buffer = gpu.memory.buffer(byteLengthOf(source), 'readback', 'staging', MAP_READ | COPY_DST);
    this.#staging = { ...source, buffer, offset: 0 };
  }

  /**
   * The tensor's values after the commands recorded so far, which are submitted before the promise is returned. Await
   * each read before the next. Throws if the device failed.
   */
  async read(commands: Commands): Promise<Float32Array<ArrayBuffer>> {
    const { buffer } = this.#staging;
    commands.copy(this.#source, this.#staging);
    commands.submit();
    try {
      await mapForReading(this.#gpu, buffer);
      const values = new Float32Array(buffer.getMappedRange().slice(0));
      buffer.unmap();
      return values;
    } finally {
      // Mapping fails on a lost device: its own error says more.
      this.#gpu.throwIfFailed();
    }
  }

  dispose(): void {
    this.#gpu.memory.free(this.#staging);
  }
}
