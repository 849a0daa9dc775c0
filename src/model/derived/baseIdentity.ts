import type { Checkpoint } from '../../formats/checkpoint.ts';
import { concatBytes, hexOf } from '../../lib/bytes.ts';
import { weightSamples } from '../weightSamples.ts';

/**
 * What tells a checkpoint's weights from others, in hex: names, sizes and versions of its files, their headers, and bytes
 * here and there of their data, since a time of change alone survives some copies. Null where a file has no version.
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
