import { hexOf } from '../base/lib/bytes.ts';
import { createContentHash, takeDigest } from '../base/lib/contentHash.ts';
import { createRandom } from '../base/lib/random.ts';
import type { CheckpointData, CheckpointFile } from '../content/runs/types.ts';
import { bytesSource } from '../base/storage/byteSource.ts';

/**
 * A checkpoint of synthetic bytes that depend on its step; `frozen` is the same in all, `forResume` may be dropped.
 */
export function someCheckpoint(step: number, size = 300, seed = 1): CheckpointData {
  const bytes = (label: string, length: number): Uint8Array => {
    const random = createRandom(seed).fork(label);
    return Uint8Array.from({ length }, () => random.below(256));
  };
  return {
    step,
    state: { step, cursor: [step, seed], note: 'ü' },
    files: [
      bytesSource('params', bytes(`params ${step}`, size)),
      bytesSource('frozen', bytes('frozen', size)),
      { ...bytesSource('m', bytes(`m ${step}`, size + 7)), forResume: true },
    ],
  };
}

/** The complete content of a checkpoint, for comparison. */
export async function contentOf({ step, state, files }: CheckpointData) {
  const read = files.map(async ({ name, size, read: readBytes, forResume = false }) => [
    name,
    forResume,
    hexOf(await readBytes(0, size)),
  ]);
  return { step, state, files: await Promise.all(read) };
}

/** A digest of a checkpoint's complete content. */
export async function digestOf({ step, state, files }: CheckpointData): Promise<string> {
  const hasher = await createContentHash();
  hasher.update(JSON.stringify([step, state]));
  for (const { name, size, read } of files) hasher.update(name).update(await read(0, size));
  return hexOf(takeDigest(hasher));
}

/** A checkpoint of 300 kB that is created quickly and depends on its step; one of its three files is constant. */
export function madeUpState(step: number): CheckpointData {
  const words = (seed: number, length: number) =>
    new Uint8Array(Uint32Array.from({ length }, (_, i) => Math.imul(i + seed, 2654435761)).buffer);
  return {
    step,
    state: { step },
    files: [
      bytesSource('params', words(step, 20_000)),
      bytesSource('frozen', words(0, 30_000)),
      { ...bytesSource('m', words(-step, 25_000)), forResume: true },
    ],
  };
}

/** The same numbers in memory, where they stay while the run continues. */
export async function copyOf({ step, state, files }: CheckpointData): Promise<CheckpointData> {
  const copies: CheckpointFile[] = [];
  for (const file of files) {
    const { name, size, forResume = false } = file;
    copies.push({ ...bytesSource(name, await file.read(0, size)), forResume });
  }
  return { step, state, files: copies };
}
