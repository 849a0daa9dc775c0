import type { Checkpoint, CheckpointFile } from '../../formats/checkpoint.ts';
import { concatBytes, hexOf } from '../../lib/bytes.ts';
import { readInto } from '../../storage/byteSource.ts';

const SAMPLES = 64;
const SAMPLE_BYTES = 4096;

/**
 * What tells a checkpoint's weights from others, in hex: names, sizes and versions of its files, their headers, and bytes
 * here and there of their data, since a time of change alone survives some copies. Null where a file has no version.
 */
export async function baseIdentity(checkpoint: Checkpoint): Promise<string | null> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  try {
    for (const file of checkpoint.files) {
      const { name, size, version } = file.file.source;
      if (version === undefined) return null;
      parts.push(new TextEncoder().encode(JSON.stringify([name, size, version])));
      parts.push(await file.file.readHeader(), await samplesOf(file));
    }
  } finally {
    await checkpoint.release();
  }
  return hexOf(new Uint8Array(await crypto.subtle.digest('SHA-256', concatBytes(parts))));
}

async function samplesOf({ file }: CheckpointFile): Promise<Uint8Array<ArrayBuffer>> {
  const { source, dataStart } = file;
  const length = Math.min(SAMPLE_BYTES, source.size - dataStart);
  const last = source.size - length - dataStart;
  const samples = new Uint8Array(SAMPLES * length);
  for (let i = 0; i < SAMPLES; i++) {
    const at = dataStart + Math.floor((last * i) / (SAMPLES - 1));
    await readInto(source, at, samples.subarray(i * length, (i + 1) * length));
  }
  return samples;
}
