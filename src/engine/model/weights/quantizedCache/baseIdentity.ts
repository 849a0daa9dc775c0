import type { Checkpoint } from '../../../../content/formats/checkpoint.ts';
import { concatBytes, hexOf } from '../../../../base/lib/bytes.ts';
import { weightSamples } from '../weightSamples.ts';

/**
 * Identifies a checkpoint's weights, in hex: names, sizes and versions of its files, their headers, and samples of
 * their data, since modification times alone survive some copies. Null if a file has no version.
 */
export async function baseIdentity(checkpoint: Checkpoint): Promise<string | null> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  try {
    for (const { file } of checkpoint.files) {
      const { name, size, version } = file.source;
      if (version === undefined) return null;
      parts.push(new TextEncoder().encode(JSON.stringify([name, size, version])));
      parts.push(await file.readHeader(), await weightSamples(file));
    }
  } finally {
    await checkpoint.release();
  }
  return hexOf(new Uint8Array(await crypto.subtle.digest('SHA-256', concatBytes(parts))));
}
