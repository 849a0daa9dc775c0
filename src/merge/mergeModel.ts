import { planShards, shardIndexJson, indexFileName } from '../formats/sharding.ts';
import { safetensorsLayout } from '../formats/safetensorsLayout.ts';
import { SafetensorsWriter } from '../formats/safetensorsWriter.ts';
import { writeText } from '../formats/text.ts';
import type { Gpu } from '../gpu/device.ts';
import { GraftError } from '../lib/errors.ts';
import type { Folder, WritableFolder } from '../storage/types.ts';
import { checkMergeJob, type MergeJob } from './mergeJob.ts';
import { planOutput } from './outputPlan.ts';
import { pieces, type OutputTensor } from './outputTensor.ts';

export interface MergeOptions {
  maxShardBytes: number;
  onProgress?(done: number, total: number): void;
  signal?: AbortSignal;
}

/**
 * Streams the result of a merge to `destination`: a tensor (or a block of its rows) at a time, in the base's order,
 * in shards of `maxShardBytes`, then config and tokenizer files. If it fails or is cancelled, every file it wrote is
 * removed.
 * Throws `merge.destination_not_empty`, `merge.base_quantized`, `merge.already_quantized`,
 * `merge.bias_without_place` and `model.adapter_*` before anything is written, and `merge.cancelled`.
 * @returns the files written, with their sizes
 */
export async function mergeModel(
  gpu: Gpu,
  job: MergeJob,
  destination: WritableFolder,
  options: MergeOptions,
): Promise<{ name: string; size: number }[]> {
  checkMergeJob(job);
  const plan = await planOutput(gpu, job);
  const byName = new Map(plan.tensors.map((tensor) => [tensor.entry.name, tensor]));
  const sizes = plan.tensors.map(({ entry: { name, byteLength: bytes } }) => ({ name, bytes }));
  const shards = planShards(sizes, options.maxShardBytes);
  const names = [...shards.map(({ file }) => file), indexFileName, ...plan.files.map(({ name }) => name)];
  await refuseOverwriting(destination, names);
  const written: string[] = [];
  let done = 0;
  const stopIfCancelled = () => {
    if (options.signal?.aborted) throw new GraftError('merge.cancelled');
  };
  const onBytes = (bytes: number) => {
    options.onProgress?.((done += bytes), plan.totalBytes);
    stopIfCancelled();
  };
  try {
    for (const shard of shards) {
      written.push(shard.file);
      const tensors = shard.names.map((name) => byName.get(name)!);
      await writeShard(tensors, shard.file, destination, onBytes);
    }
    for (const { name, text } of plan.files) {
      written.push(name);
      if (text === null) await copyFile(job.base.folder, name, destination);
      else await writeText(destination, name, text);
      stopIfCancelled();
    }
    if (shards.length > 1) {
      // Last: without its index a sharded model is not one.
      written.push(indexFileName);
      await writeText(destination, indexFileName, shardIndexJson(shards, plan.totalBytes));
    }
  } catch (error) {
    await removeAll(destination, written);
    throw error;
  }
  return Promise.all(written.map(async (name) => ({ name, size: (await destination.open(name)).size })));
}

async function writeShard(
  tensors: readonly OutputTensor[],
  file: string,
  destination: WritableFolder,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const entries = tensors.map(({ entry }) => entry);
  const metadata = Object.fromEntries(tensors[0]?.from.file.metadata ?? []);
  const layout = safetensorsLayout(entries, metadata, undefined, file);
  const sink = await destination.create(file);
  const writer = new SafetensorsWriter(sink, [], {}, { file, layout });
  try {
    for (const { entry, blocks } of tensors) {
      for await (const bytes of blocks()) {
        await writer.write(entry.name, bytes);
        onBytes(bytes.byteLength);
      }
    }
    await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

async function copyFile(from: Folder, name: string, to: WritableFolder): Promise<void> {
  const source = await from.open(name);
  const sink = await to.create(name);
  try {
    const read = (offset: number, length: number) => source.read(offset, length);
    for await (const bytes of pieces(source.size, read)) await sink.write(bytes);
    await sink.close();
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

/** Nothing of the person's may be overwritten, nor be taken for ours when a failed merge cleans up. */
async function refuseOverwriting(folder: WritableFolder, files: readonly string[]): Promise<void> {
  const present = (await folder.list()).find((name) => files.includes(name) || name.endsWith('.safetensors'));
  if (present !== undefined) throw new GraftError('merge.destination_not_empty', { file: present });
}

async function removeAll(folder: WritableFolder, files: readonly string[]): Promise<void> {
  for (const file of files) await folder.remove(file).catch(() => undefined);
}
