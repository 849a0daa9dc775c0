import { parseByteSize } from '../../base/lib/byteSize.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { pythonJson } from './pythonJson.ts';

/** The single weights file of a checkpoint that isn't sharded. */
export const singleFileName = 'model.safetensors';
/** The index of a sharded checkpoint. */
export const indexFileName = 'model.safetensors.index.json';

/** One file of a checkpoint to be written, and the tensors in it, in order. */
export interface ShardPlan {
  file: string;
  names: string[];
}

/** Bytes of a shard size such as `4096MB`, `5GB`, `4GiB` or a number of bytes. Throws `formats.shard_size`. */
export function parseShardSize(size: string | number): number {
  const bytes = parseByteSize(String(size));
  if (bytes) return bytes;
  throw new GraftError('formats.shard_size', { value: String(size).slice(0, 100) });
}

/**
 * Distributes tensors over shards as huggingface_hub's `split_state_dict_into_shards_factory` does: greedily, in
 * order; a tensor above the limit stands alone, in a shard before the one being filled. One shard is
 * `model.safetensors`, more are `model-00001-of-0000N.safetensors`.
 */
export function planShards(
  tensors: Iterable<{ name: string; bytes: number }>,
  maxShardSize: number,
): ShardPlan[] {
  const shards: string[][] = [];
  let filling: string[] = [];
  let size = 0;
  for (const { name, bytes } of tensors) {
    if (bytes > maxShardSize) {
      shards.push([name]);
      continue;
    }
    if (size + bytes > maxShardSize) {
      shards.push(filling);
      filling = [];
      size = 0;
    }
    filling.push(name);
    size += bytes;
  }
  if (filling.length > 0 || shards.length === 0) shards.push(filling);
  if (shards.length === 1) return [{ file: singleFileName, names: shards[0]! }];
  const five = (n: number): string => String(n).padStart(5, '0');
  return shards.map((names, i) => ({
    file: `model-${five(i + 1)}-of-${five(shards.length)}.safetensors`,
    names,
  }));
}

/** The text of `model.safetensors.index.json`, as transformers writes it. `totalSize` is the bytes of all tensors. */
export function shardIndexJson(shards: readonly ShardPlan[], totalSize: number): string {
  const places = shards.flatMap(({ file, names }) => names.map((name) => [name, file] as const));
  return `${pythonJson({ metadata: { total_size: totalSize }, weight_map: new Map(places) })}\n`;
}
