import { GraftError } from '../lib/errors.ts';
import { clip } from '../formats/safetensorsHeader.ts';
import type { OutputTensor } from './outputTensor.ts';

/**
 * The data of a shard from byte `start` on: its tensors one after another. Throws `formats.write_size` for a tensor
 * that comes out otherwise than planned.
 */
export async function* shardBytes(
  tensors: readonly OutputTensor[],
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
