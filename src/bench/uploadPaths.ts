import { UploadRing } from '../gpu/uploadRing.ts';
import type { Gpu } from '../gpu/device.ts';
import { readInto } from '../storage/byteSource.ts';
import type { ByteSource } from '../storage/types.ts';

const MIB = 1024 * 1024;

/** Bytes read in a measurement, in turns of a tensor of 64 MiB. */
export const UPLOAD_BYTES = 256 * MIB;
const TURN = 64 * MIB;
/** What the ways without a ring read at once. */
const PIECE = 16 * MIB;
const ROUNDS = 6;

const COPY_SRC = 0x04;

/** One way of bytes from a file to the GPU: brings a turn from `offset` of the file on. */
type Path = (offset: number) => Promise<void>;

/**
 * Seconds that 256 MiB of a file take to a GPU by each way, the least of six rounds: what else runs only adds to it. A
 * round has all ways one after the other, so that it meets them alike.
 * @param slices the same file read by slices of a File, where there is one
 */
export async function measureUploads(
  gpu: Gpu,
  source: ByteSource,
  slices: ByteSource | null,
): Promise<Record<string, number>> {
  const { device, memory } = gpu;
  const { queue } = device;
  const target = memory.tensor('u32', [TURN / 4], 'uploaded');
  const bytes = new Uint8Array(PIECE);
  const rings = {
    'ring of 4 × 8 MiB': new UploadRing(gpu),
    'ring of 4 × 16 MiB': new UploadRing(gpu, { largest: 16 * MIB }),
    'ring of 1 × 16 MiB': new UploadRing(gpu, { slots: 1, largest: 16 * MIB }),
  };
  const inPieces = (bring: (from: number, at: number) => Promise<void>): Path => {
    return async (offset) => {
      for (let at = 0; at < TURN; at += PIECE) await bring(offset + at, at);
    };
  };
  const paths: Record<string, Path> = {
    ...Object.fromEntries(
      Object.entries(rings).map(([name, ring]) => [
        name,
        (offset: number) => ring.upload(target, TURN, (from, into) => readInto(source, offset + from, into)),
      ]),
    ),
    'read, then writeBuffer': inPieces(async (from, at) => {
      await readInto(source, from, bytes);
      queue.writeBuffer(target.buffer, at, bytes);
    }),
    'a buffer mapped at creation for each piece': inPieces(async (from, at) => {
      const buffer = device.createBuffer({ size: PIECE, usage: COPY_SRC, mappedAtCreation: true });
      await readInto(source, from, new Uint8Array(buffer.getMappedRange()));
      buffer.unmap();
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(buffer, 0, target.buffer, at, PIECE);
      queue.submit([encoder.finish()]);
      buffer.destroy();
    }),
  };
  if (slices) {
    paths['slices of a File, then writeBuffer'] = inPieces(async (from, at) => {
      queue.writeBuffer(target.buffer, at, await slices.read(from, PIECE));
    });
  }
  const times = new Map(Object.keys(paths).map((name) => [name, [] as number[]]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, path] of Object.entries(paths)) {
      const start = performance.now();
      for (let offset = 0; offset < UPLOAD_BYTES; offset += TURN) await path(offset);
      await queue.onSubmittedWorkDone();
      // The first round makes the buffers.
      if (round > 0) times.get(name)!.push((performance.now() - start) / 1000);
    }
  }
  for (const ring of Object.values(rings)) ring.dispose();
  memory.free(target);
  await source.release?.();
  gpu.throwIfFailed();
  return Object.fromEntries([...times].map(([name, values]) => [name, Math.min(...values)]));
}
