import { planShards, shardIndexJson, indexFileName, type ShardPlan } from '../formats/sharding.ts';
import type { PeftAdapter, PeftModule } from '../formats/peft.ts';
import { safetensorsLayout } from '../formats/safetensorsLayout.ts';
import { SafetensorsWriter } from '../formats/safetensorsWriter.ts';
import { writeText } from '../formats/text.ts';
import type { Gpu } from '../gpu/device.ts';
import { GraftError } from '../lib/errors.ts';
import { matchModules } from '../model/adapterFiles.ts';
import type { ModelFiles } from '../model/openModel.ts';
import type { WritableFolder } from '../storage/types.ts';
import { mergedBlocks } from './mergeTensor.ts';
import { sidecarFiles } from './sidecars.ts';

/** Bytes copied at once of a tensor that has no adapter. */
const COPY_BYTES = 16 * 1024 * 1024;

export interface MergeOptions {
  maxShardBytes: number;
  onProgress?(done: number, total: number): void;
  signal?: AbortSignal;
}

/**
 * Streams the base model with the adapter merged in to `destination`: a tensor (or a block of its rows) at a
 * time, each in its own dtype and order, in shards of `maxShardBytes`, then config and tokenizer files byte for
 * byte. If it fails or is cancelled, every file it wrote is removed.
 * Throws `merge.destination_not_empty` and `model.adapter_*` before anything is written, and `merge.cancelled`.
 * @returns the files written, with their sizes
 */
export async function mergeModel(
  gpu: Gpu,
  base: ModelFiles,
  adapter: PeftAdapter,
  destination: WritableFolder,
  options: MergeOptions,
): Promise<{ name: string; size: number }[]> {
  // Throws when the adapter does not belong to this model.
  matchModules(base.spec, adapter);
  const { checkpoint } = base;
  const sizes = [...checkpoint.tensors.values()].map(({ info }) => ({
    name: info.name,
    bytes: info.end - info.begin,
  }));
  const shards = planShards(sizes, options.maxShardBytes);
  const sidecars = await sidecarFiles(base.folder);
  await refuseOverwriting(destination, [...shards.map((shard) => shard.file), indexFileName, ...sidecars]);
  const written: string[] = [];
  let done = 0;
  const stopIfCancelled = () => {
    if (options.signal?.aborted) throw new GraftError('merge.cancelled');
  };
  const onBytes = (bytes: number) => {
    options.onProgress?.((done += bytes), checkpoint.totalBytes);
    stopIfCancelled();
  };
  try {
    for (const shard of shards) {
      written.push(shard.file);
      await writeShard(gpu, base, adapter.modules, shard, destination, onBytes);
    }
    for (const file of sidecars) {
      written.push(file);
      await copyFile(base.folder, file, destination);
      stopIfCancelled();
    }
    if (shards.length > 1) {
      // Last: without its index a sharded model is not one.
      written.push(indexFileName);
      await writeText(destination, indexFileName, shardIndexJson(shards, checkpoint.totalBytes));
    }
  } catch (error) {
    await removeAll(destination, written);
    throw error;
  }
  return Promise.all(written.map(async (name) => ({ name, size: (await destination.open(name)).size })));
}

async function writeShard(
  gpu: Gpu,
  { checkpoint }: ModelFiles,
  modules: ReadonlyMap<string, PeftModule>,
  shard: ShardPlan,
  destination: WritableFolder,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const entries = shard.names.map((name) => checkpoint.get(name));
  const metadata = Object.fromEntries(entries[0]?.file.metadata ?? []);
  // With its size, so that a tensor of a dtype only newer tools know is copied too.
  const layout = safetensorsLayout(
    entries.map(({ info: { name, dtype, shape, begin, end } }) => ({
      name,
      dtype,
      shape,
      byteLength: end - begin,
    })),
    metadata,
    undefined,
    shard.file,
  );
  const sink = await destination.create(shard.file);
  const writer = new SafetensorsWriter(sink, [], {}, { file: shard.file, layout });
  try {
    for (const { file, info } of entries) {
      const read = (offset: number, length: number) => file.readRange(info.name, offset, length);
      const module = modules.get(info.name.replace(/\.weight$/, ''));
      const blocks = module
        ? mergedBlocks(gpu, info, module, read)
        : copiedBlocks(info.end - info.begin, read);
      for await (const bytes of blocks) {
        await writer.write(info.name, bytes);
        onBytes(bytes.byteLength);
      }
    }
    await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

async function* copiedBlocks(
  size: number,
  read: (offset: number, length: number) => Promise<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < size; at += COPY_BYTES) yield await read(at, Math.min(COPY_BYTES, size - at));
}

async function copyFile(from: ModelFiles['folder'], name: string, to: WritableFolder): Promise<void> {
  const source = await from.open(name);
  const sink = await to.create(name);
  try {
    const read = (offset: number, length: number) => source.read(offset, length);
    for await (const bytes of copiedBlocks(source.size, read)) await sink.write(bytes);
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
