import { safetensorsLayout } from '../../content/formats/safetensorsLayout.ts';
import { indexFileName, planShards, shardIndexJson } from '../../content/formats/sharding.ts';
import type { OutputPlan } from './outputPlan.ts';
import type { WrittenTensor } from './outputTensor.ts';
import type { ShardRange } from './shardFile.ts';

/** The file without which no reader takes a folder for a model: it is written last. */
export const configFile = 'config.json';

/** A file of weights to write, and its tensors. */
export interface ShardToWrite extends ShardRange {
  names: string[];
  tensors: readonly WrittenTensor[];
}

/** The files that a merge writes. */
export interface OutputFiles {
  shards: ShardToWrite[];
  /** Null where there is one file of weights. */
  index: { name: string; text: string } | null;
  /** Every file by name, config.json included. */
  names: string[];
}

/** Plans the files of a result, its weights in shards of at most `maxShardBytes`. */
export function planFiles(plan: OutputPlan, maxShardBytes: number): OutputFiles {
  const byName = new Map(plan.stored.map((tensor) => [tensor.entry.name, tensor]));
  const sizes = plan.stored.map(({ entry: { name, byteLength: bytes } }) => ({ name, bytes }));
  const shards = planShards(sizes, maxShardBytes).map(({ file, names }, shard) => {
    const tensors = names.map((name) => byName.get(name)!);
    const metadata = Object.fromEntries(tensors[0]?.from.file.metadata ?? []);
    const entries = tensors.map(({ entry }) => entry);
    return { shard, file, names, tensors, layout: safetensorsLayout(entries, metadata, undefined, file) };
  });
  const index =
    shards.length > 1 ? { name: indexFileName, text: shardIndexJson(shards, plan.totalBytes) } : null;
  const names = [...shards.map(({ file }) => file), ...plan.files.map(({ name }) => name)];
  if (index) names.push(index.name);
  return { shards, index, names: [...new Set([...names, configFile])] };
}
