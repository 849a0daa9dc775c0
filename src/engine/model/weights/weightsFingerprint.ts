import type { Checkpoint } from '../../../content/formats/checkpoint.ts';
import { createContentHash } from '../../../base/lib/contentHash.ts';
import { weightSamples } from './weightSamples.ts';

/**
 * Identifies weights, in hex: headers, sizes, and samples of every file. Independent of paths and copy times, so that a
 * run can be resumed on another machine.
 */
export async function weightsFingerprint(checkpoint: Checkpoint): Promise<string> {
  const hasher = await createContentHash();
  try {
    for (const { file } of checkpoint.files) {
      const { name, size } = file.source;
      hasher.update(`${JSON.stringify([name, size])}\n`);
      hasher.update(await file.readHeader());
      hasher.update(await weightSamples(file));
    }
  } finally {
    await checkpoint.release();
  }
  return hasher.digest('hex');
}
