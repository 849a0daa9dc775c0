import { GraftError } from '../../base/lib/errors.ts';
import { clip } from '../../content/formats/safetensorsHeader.ts';
import type { WrittenTensor } from './outputTensor.ts';

/**
 * The data of a shard from byte `start` on: its tensors in order. Throws `formats.write_size` if a tensor's size
 * differs from the plan.
 */
export async function* shardBytes(
  tensors: readonly WrittenTensor[],
  start: number,
  file: string,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let begin = 0;
  for (const { entry, blocks } of tensors) {
    const { name, byteLength } = entry;
    const from = Math.max(0, start - begin);
    begin += byteLength;
    if (from >= byteLength) continue;
    let actual = from;
    for await (const bytes of blocks(from)) {
      actual += bytes.byteLength;
      yield bytes;
    }
    if (actual !== byteLength) {
      throw new GraftError('formats.write_size', { file, tensor: clip(name), actual, expected: byteLength });
    }
  }
}
