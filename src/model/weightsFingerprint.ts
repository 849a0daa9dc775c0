import type { Checkpoint } from '../formats/checkpoint.ts';
import { createContentHash } from '../lib/contentHash.ts';
import { weightSamples } from './weightSamples.ts';

/**
 * What tells weights from others, in hexadecimal: headers, sizes, and bytes here and there of every file. The same wherever
 * they lie and whenever they were copied, so that a run goes on on another machine.
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
