import { hexOf } from '../lib/bytes.ts';
import { createRandom } from '../lib/random.ts';
import type { CheckpointData } from '../runs/types.ts';
import { bytesSource } from '../storage/byteSource.ts';

/** A checkpoint of made-up bytes that hang on its step; `frozen` is the same in all, `forResume` what can be dropped. */
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

/** All that a checkpoint holds, to be compared. */
export async function contentOf({ step, state, files }: CheckpointData) {
  const read = files.map(async ({ name, size, read: readBytes, forResume = false }) => [
    name,
    forResume,
    hexOf(await readBytes(0, size)),
  ]);
  return { step, state, files: await Promise.all(read) };
}
