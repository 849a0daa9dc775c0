import type { Gpu } from './device.ts';
import { byteLengthOf, elementsOf, type Tensor } from './tensor.ts';
import { f16ToF32 } from '../formats/floats.ts';

const MAP_READ = 0x01;
const COPY_DST = 0x08;

/** Writes raw bytes into a tensor, from its start. */
export function uploadBytes(gpu: Gpu, tensor: Tensor, bytes: Uint8Array<ArrayBuffer>): void {
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
  const size = byteLengthOf(tensor);
  const staging = gpu.memory.buffer(size, 'readback', 'staging', MAP_READ | COPY_DST);
  try {
    const encoder = gpu.device.createCommandEncoder();
    encoder.copyBufferToBuffer(tensor.buffer, tensor.offset, staging, 0, size);
    gpu.device.queue.submit([encoder.finish()]);
    await staging.mapAsync(MAP_READ);
    const bytes = new Uint8Array(staging.getMappedRange().slice(0));
    staging.unmap();
    gpu.throwIfFailed();
    return bytes;
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
