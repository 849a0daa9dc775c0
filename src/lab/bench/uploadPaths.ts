import { UploadRing } from '../../engine/gpu/uploadRing.ts';
import type { Gpu } from '../../engine/gpu/device.ts';
import type { ByteSource } from '../../base/storage/types.ts';

const MIB = 1024 * 1024;

/** Bytes read per measurement, in rounds of a 64 MiB tensor. */
export const UPLOAD_BYTES = 256 * MIB;
const TURN = 64 * MIB;
/** Bytes read at a time by the paths without a ring. */
const PIECE = 16 * MIB;
const ROUNDS = 6;

const COPY_SRC = 0x04;

/** A path for bytes from a file to the GPU: uploads one tensor from `offset` of the file on. */
type Path = (offset: number) => Promise<void>;

/**
 * Seconds to upload 256 MiB of a file by each path, the minimum of six rounds: other load on the machine only adds
 * time. A round runs all paths one after the other, so that it affects them alike.
 * @param slices the same file read through slices of a File, if there is one
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
        (offset: number) => ring.upload(target, TURN, (from, into) => source.readInto(offset + from, into)),
      ]),
    ),
    'read, then writeBuffer': inPieces(async (from, at) => {
      await source.readInto(from, bytes);
      queue.writeBuffer(target.buffer, at, bytes);
    }),
    'a buffer mapped at creation for each piece': inPieces(async (from, at) => {
      const buffer = device.createBuffer({ size: PIECE, usage: COPY_SRC, mappedAtCreation: true });
      await source.readInto(from, new Uint8Array(buffer.getMappedRange()));
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
      // The first round allocates the buffers.
      if (round > 0) times.get(name)!.push((performance.now() - start) / 1000);
    }
  }
  for (const ring of Object.values(rings)) ring.dispose();
  memory.free(target);
  await source.release?.();
  gpu.throwIfFailed();
  return Object.fromEntries([...times].map(([name, values]) => [name, Math.min(...values)]));
}
