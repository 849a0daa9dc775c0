import type { Commands } from './commands.ts';
import type { Gpu } from './device.ts';
import { byteLengthOf, elementsOf, type Tensor } from './tensor.ts';
import { f16ToF32 } from '../formats/floats.ts';

const MAP_READ = 0x01;
const COPY_DST = 0x08;

/** Writes raw bytes into a tensor, from its start: after everything recorded so far. */
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

/** Writes a typed array into a tensor, from its start. */
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

/** Reads the bytes of a tensor back. Waits for everything submitted before. */
export async function readBytes(gpu: Gpu, tensor: Tensor): Promise<Uint8Array<ArrayBuffer>> {
  for await (const bytes of readInPieces(gpu, tensor, byteLengthOf(tensor))) return bytes;
  return new Uint8Array();
}

/** Reads the bytes of a tensor back, at most `most` (a multiple of 4) at once. */
export async function* readInPieces(
  gpu: Gpu,
  tensor: Tensor,
  most: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const length = byteLengthOf(tensor);
  const staging = gpu.memory.buffer(Math.min(most, length), 'readback', 'staging', MAP_READ | COPY_DST);
  try {
    for (let at = 0; at < length; at += most) {
      const size = Math.min(most, length - at);
      const encoder = gpu.device.createCommandEncoder();
      encoder.copyBufferToBuffer(tensor.buffer, tensor.offset + at, staging, 0, size);
      gpu.device.queue.submit([encoder.finish()]);
      await staging.mapAsync(MAP_READ);
      const bytes = new Uint8Array(staging.getMappedRange(0, size).slice(0));
      staging.unmap();
      gpu.throwIfFailed();
      yield bytes;
    }
  } finally {
    gpu.memory.free(staging);
  }
}

/** Reads an f32 or f16 tensor back as f32. */
export async function readFloats(gpu: Gpu, tensor: Tensor): Promise<Float32Array<ArrayBuffer>> {
  const bytes = await readBytes(gpu, tensor);
  const count = elementsOf(tensor);
  if (tensor.type === 'f16') return f16ToF32(new Uint16Array(bytes.buffer, 0, count));
  return new Float32Array(bytes.buffer, 0, count);
}

/** Reads a few numbers of the same tensor again and again, through a buffer that stays. */
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
   * What the tensor holds after the commands recorded so far, which are submitted when this returns its promise. A
   * second read must wait for the first. Throws how the device failed.
   */
  async read(commands: Commands): Promise<Float32Array<ArrayBuffer>> {
    const { buffer } = this.#staging;
    commands.copy(this.#source, this.#staging);
    commands.submit();
    try {
      await buffer.mapAsync(MAP_READ);
      const numbers = new Float32Array(buffer.getMappedRange().slice(0));
      buffer.unmap();
      return numbers;
    } finally {
      // A lost device refuses to map: what happened to it says more.
      this.#gpu.throwIfFailed();
    }
  }

  dispose(): void {
    this.#gpu.memory.free(this.#staging);
  }
}
