import type { Gpu } from '../gpu/device.ts';
import { byteLengthOf } from '../gpu/tensor.ts';
import { readFloats, uploadBytes } from '../gpu/transfer.ts';
import { UploadRing } from '../gpu/uploadRing.ts';

/** Bytes per second between main memory and the GPU: the best of some rounds. */
export interface TransferSpeed {
  bytes: number;
  /** Through the ring of mapped buffers, which weights take. */
  ring: number;
  /** By writeBuffer. */
  write: number;
  /** Back, by a mapped buffer. */
  read: number;
}

const ROUNDS = 4;

/** Measures transfers of one tensor. Throws what the device reports, and the signal's reason. */
export async function measureTransfers(gpu: Gpu, bytes: number, signal: AbortSignal): Promise<TransferSpeed> {
  const tensor = gpu.memory.tensor('f32', [bytes / 4], 'transferred');
  const ring = new UploadRing(gpu);
  // Memory that was never written may be one page of zeros.
  const source = new Uint8Array(bytes).fill(1);
  const { queue } = gpu.device;
  const ways: Record<Exclude<keyof TransferSpeed, 'bytes'>, () => Promise<unknown>> = {
    ring: () =>
      ring.upload(tensor, byteLengthOf(tensor), async (from, into) =>
        into.set(source.subarray(from, from + into.length)),
      ),
    write: async () => uploadBytes(gpu, tensor, source),
    read: () => readFloats(gpu, tensor),
  };
  const best = { ring: 0, write: 0, read: 0 };
  try {
    // The first round allocates buffers.
    for (let round = 0; round <= ROUNDS; round++) {
      for (const way of ['ring', 'write', 'read'] as const) {
        signal.throwIfAborted();
        await queue.onSubmittedWorkDone();
        const start = performance.now();
        await ways[way]();
        await queue.onSubmittedWorkDone();
        const seconds = (performance.now() - start) / 1000;
        if (round > 0) best[way] = Math.max(best[way], bytes / seconds);
      }
    }
    gpu.throwIfFailed();
    return { bytes, ...best };
  } finally {
    ring.dispose();
    gpu.memory.free(tensor);
  }
}
