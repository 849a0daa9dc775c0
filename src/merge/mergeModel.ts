import { safetensorsLayout } from '../formats/safetensorsLayout.ts';
import { indexFileName, planShards, shardIndexJson } from '../formats/sharding.ts';
import { writeText } from '../formats/text.ts';
import type { Gpu } from '../gpu/device.ts';
import { GraftError } from '../lib/errors.ts';
import type { Folder, WritableFolder } from '../storage/types.ts';
import { ahead } from './ahead.ts';
import type { MergeDestination } from './destination.ts';
import { jobFingerprint } from './jobFingerprint.ts';
import { MergeJournal } from './mergeJournal.ts';
import { checkMergeJob, type MergeJob } from './mergeJob.ts';
import { planOutput, type OutputPlan } from './outputPlan.ts';
import { pieces, type OutputTensor } from './outputTensor.ts';
import { shardBytes } from './shardBytes.ts';
import { piecesOf, ShardFile, type ShardPlace } from './shardFile.ts';
import { throwIfCancelled } from './stoppable.ts';
import { WrittenMerge, type MergedFile } from './writtenMerge.ts';

export interface MergeOptions {
  maxShardBytes: number;
  onProgress?(done: number, total: number): void;
  /** Hears how many bytes of weights an earlier start has left, where it goes on with them. */
  onContinue?(bytes: number): void;
  signal?: AbortSignal;
  /** Whether the CRC-32 of the weights is wanted, which a zip has to tell. */
  crc?: boolean;
}

/** The file without which no reader takes a folder for a model: it is written last. */
const LAST = 'config.json';

/** Writes a merge and makes it a model: `writeMerge` and its `commit`. @returns the files written, with their sizes */
export async function mergeModel(
  gpu: Gpu,
  job: MergeJob,
  destination: MergeDestination,
  options: MergeOptions,
): Promise<{ name: string; size: number }[]> {
  const written = await writeMerge(gpu, job, destination, options);
  await written.commit();
  return written.files.map(({ name, size }) => ({ name, size }));
}

/**
 * Streams the result of a merge to `destination`, a tensor (or a block of its rows) at a time, in the base's order, in
 * shards of `maxShardBytes`, then tokenizer files and index. config.json is left for `commit`: until then the folder is
 * no model. When it fails or is cancelled, what is written stays with a journal, and the same merge goes on there;
 * another merge removes it first.
 * Throws `merge.destination_not_empty`, `merge.base_quantized`, `merge.already_quantized`,
 * `merge.bias_without_place` and `model.adapter_*` before anything is written, and `merge.cancelled`.
 */
export async function writeMerge(
  gpu: Gpu,
  job: MergeJob,
  destination: MergeDestination,
  options: MergeOptions,
): Promise<WrittenMerge> {
  checkMergeJob(job);
  const plan = await planOutput(gpu, job);
  const shards = planFiles(plan, options.maxShardBytes);
  const index = shards.length > 1 ? indexFileName : null;
  const sidecars = plan.files.filter(({ name }) => name !== LAST);
  const names = [...shards.map(({ file }) => file), ...sidecars.map(({ name }) => name), LAST];
  if (index !== null) names.push(index);
  const fingerprint = await jobFingerprint(gpu, job, plan, options.maxShardBytes);
  const journal = await openJournal(destination, {
    fingerprint,
    files: names,
    shards: shards.map(({ file, layout }) => ({ file, pieces: piecesOf(layout) })),
  });
  try {
    const files: MergedFile[] = [];
    const progress = new WriteProgress(plan.totalBytes, options);
    for (const shard of shards) files.push(await writeShard(destination, journal, shard, progress, options));
    progress.end();
    for (const { name, text } of sidecars) {
      if (text === null) await copyFile(job.base.folder, name, destination);
      else await writeText(destination, name, text);
      progress.stopIfCancelled();
    }
    if (index !== null) await writeText(destination, index, shardIndexJson(shards, plan.totalBytes));
    for (const { name } of sidecars) files.push(await sizeOf(destination, name));
    if (index !== null) files.push(await sizeOf(destination, index));
    const config = await textOf(job.base.folder, plan);
    return new WrittenMerge(destination, journal, shards, files, { name: LAST, bytes: config });
  } catch (error) {
    await journal.close();
    throw error;
  } finally {
    plan.workspace.dispose();
    await job.base.checkpoint.release();
  }
}

/** Removes what an unfinished merge has left in a folder. @returns whether there was one */
export async function discardUnfinished(destination: MergeDestination): Promise<boolean> {
  const journal = await MergeJournal.read(destination);
  if (journal) await removeAll(destination, journal);
  return journal !== null;
}

interface ShardToWrite extends ShardPlace {
  names: string[];
  tensors: OutputTensor[];
}

function planFiles(plan: OutputPlan, maxShardBytes: number): ShardToWrite[] {
  const byName = new Map(plan.tensors.map((tensor) => [tensor.entry.name, tensor]));
  const sizes = plan.tensors.map(({ entry: { name, byteLength: bytes } }) => ({ name, bytes }));
  return planShards(sizes, maxShardBytes).map(({ file, names }, shard) => {
    const tensors = names.map((name) => byName.get(name)!);
    const metadata = Object.fromEntries(tensors[0]?.from.file.metadata ?? []);
    const entries = tensors.map(({ entry }) => entry);
    return { shard, file, names, tensors, layout: safetensorsLayout(entries, metadata, undefined, file) };
  });
}

/** The journal of an earlier start of the same job, or a new one. */
async function openJournal(destination: MergeDestination, head: MergeJournal['head']): Promise<MergeJournal> {
  const earlier = await MergeJournal.read(destination);
  if (earlier?.head.fingerprint === head.fingerprint) {
    // It may have ended between the last file and the end of the journal.
    if ((await destination.list()).includes(LAST)) await destination.remove(LAST);
    return earlier;
  }
  if (earlier) await removeAll(destination, earlier);
  await refuseOverwriting(destination, [...head.files, indexFileName]);
  return MergeJournal.create(destination, head);
}

/** Removes the files of an unfinished merge; the journal last, so that a crash on the way leaves no orphans. */
async function removeAll(destination: MergeDestination, journal: MergeJournal): Promise<void> {
  await removeFiles(destination, journal.head.files);
  await journal.remove();
}

async function removeFiles(destination: MergeDestination, files: readonly string[]): Promise<void> {
  const present = new Set(await destination.list());
  for (const file of [LAST, ...files.filter((name) => name !== LAST)]) {
    if (present.has(file)) await destination.remove(file);
  }
}

async function writeShard(
  destination: MergeDestination,
  journal: MergeJournal,
  place: ShardToWrite,
  progress: WriteProgress,
  options: MergeOptions,
): Promise<MergedFile> {
  const shard = await ShardFile.open(destination, journal, place, {
    crc: options.crc,
    stopIfCancelled: () => progress.stopIfCancelled(),
  });
  try {
    if (shard.done > 0) progress.wasThere(shard.done);
    for await (const bytes of ahead(shardBytes(place.tensors, shard.done, place.file))) {
      await shard.write(bytes);
      progress.wrote(bytes.byteLength);
    }
    const crc = await shard.finish();
    return { name: place.file, size: place.layout.totalBytes, crc };
  } catch (error) {
    await shard.leave();
    throw error;
  }
}

/** Tells how far the weights are, and whether to go on. */
class WriteProgress {
  readonly #total: number;
  readonly #options: MergeOptions;
  #done = 0;
  #wasThere = 0;
  #told = false;

  constructor(total: number, options: MergeOptions) {
    this.#total = total;
    this.#options = options;
  }

  wasThere(bytes: number): void {
    this.#wasThere += bytes;
    this.#add(bytes);
  }

  wrote(bytes: number): void {
    this.#tellContinued();
    this.#add(bytes);
  }

  end(): void {
    this.#tellContinued();
    this.stopIfCancelled();
  }

  stopIfCancelled(): void {
    throwIfCancelled(this.#options.signal);
  }

  /** Shards before the one that is not whole are told together with what is there of it. */
  #tellContinued(): void {
    if (!this.#told && this.#wasThere > 0) this.#options.onContinue?.(this.#wasThere);
    this.#told = true;
  }

  #add(bytes: number): void {
    this.#options.onProgress?.((this.#done += bytes), this.#total);
    this.stopIfCancelled();
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

async function sizeOf(folder: Folder, name: string): Promise<MergedFile> {
  return { name, size: (await folder.open(name)).size, crc: null };
}

/** The bytes of config.json as the merge writes it. */
async function textOf(base: Folder, { files }: OutputPlan): Promise<Uint8Array<ArrayBuffer>> {
  const text = files.find(({ name }) => name === LAST)?.text ?? null;
  if (text !== null) return new TextEncoder().encode(text);
  const source = await base.open(LAST);
  return source.read(0, source.size);
}

/** Nothing of the person's may be overwritten, nor be taken for ours when a failed merge cleans up. */
async function refuseOverwriting(folder: WritableFolder, files: readonly string[]): Promise<void> {
  const present = (await folder.list()).find((name) => files.includes(name) || name.endsWith('.safetensors'));
  if (present !== undefined) throw new GraftError('merge.destination_not_empty', { file: present });
}
