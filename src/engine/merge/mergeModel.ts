import { indexFileName } from '../../content/formats/sharding.ts';
import { writeText } from '../../content/formats/text.ts';
import type { Gpu } from '../gpu/device.ts';
import { GraftError } from '../../base/lib/errors.ts';
import type { Folder, WritableFolder } from '../../base/storage/types.ts';
import { ahead } from './ahead.ts';
import type { MergeFolder } from './mergeFolder.ts';
import { otherModel } from './finishedMerge.ts';
import { jobFingerprint } from './jobFingerprint.ts';
import { MergeJournal } from './mergeJournal.ts';
import { checkMergeJob, type MergeJob } from './mergeJob.ts';
import { configFile, planFiles, type ShardToWrite } from './outputFiles.ts';
import { planOutput, type OutputPlan } from './outputPlan.ts';
import { pieces } from './outputTensor.ts';
import { shardBytes } from './shardBytes.ts';
import { piecesOf, ShardFile } from './shardFile.ts';
import { throwIfCancelled } from './stoppable.ts';
import { WrittenMerge, type MergedFile } from './writtenMerge.ts';

export interface MergeOptions extends WriteOptions {
  maxShardBytes: number;
}

/** How writing weights is reported and ended. */
export interface WriteOptions {
  onProgress?(done: number, total: number): void;
  /** Called with the bytes of weights written by an earlier start, if it resumes from them. */
  onContinue?(bytes: number): void;
  signal?: AbortSignal;
  /** Whether to compute the CRC-32 of the weights, which a zip needs. */
  crc?: boolean;
}

/** The file without which no reader takes a folder for a model: it is written last. */
const LAST = 'config.json';

/**
 * Writes and commits a merge: `writeMerge` followed by `commit`.
 * @returns the files written, with their sizes
 */
export async function mergeModel(
  gpu: Gpu,
  job: MergeJob,
  destination: MergeFolder,
  options: MergeOptions,
): Promise<{ name: string; size: number }[]> {
  const written = await writeMerge(gpu, job, destination, options);
  await written.commit();
  return written.files.map(({ name, size }) => ({ name, size }));
}

/**
 * Streams the result of a merge to `destination`, a tensor (or a block of its rows) at a time, in the base's order, in
 * shards of `maxShardBytes`, then tokenizer files and index. config.json is left for `commit`: until then the folder is
 * no model. On failure or cancellation, what is written stays with a journal, and the same merge resumes from it;
 * another merge removes it first. Throws `merge.destination_not_empty`, `merge.base_quantized`,
 * `merge.already_quantized`, `merge.bias_without_place` and `model.adapter_*` before anything is written, and
 * `merge.cancelled`.
 */
export async function writeMerge(
  gpu: Gpu,
  job: MergeJob,
  destination: MergeFolder,
  options: MergeOptions,
): Promise<WrittenMerge> {
  checkMergeJob(job);
  const plan = await planOutput(gpu, job);
  const { shards, index, names } = planFiles(plan, options.maxShardBytes);
  const sidecars = plan.files.filter(({ name }) => name !== configFile);
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
    if (index) await writeText(destination, index.name, index.text);
    for (const { name } of sidecars) files.push(await sizeOf(destination, name));
    if (index) files.push(await sizeOf(destination, index.name));
    const config = await textOf(job.base.folder, plan);
    return new WrittenMerge(destination, journal, shards, files, { name: configFile, bytes: config });
  } catch (error) {
    await journal.close();
    throw error;
  } finally {
    plan.workspace.dispose();
    await job.base.checkpoint.release();
  }
}

/**
 * Removes what an unfinished merge has left in a folder.
 * @returns whether there was one
 */
export async function discardUnfinished(destination: MergeFolder): Promise<boolean> {
  const journal = await MergeJournal.read(destination);
  if (journal) await removeAll(destination, journal);
  return journal !== null;
}

/** The journal of an earlier start of the same job, or a new one. */
export async function openJournal(
  destination: MergeFolder,
  head: MergeJournal['head'],
): Promise<MergeJournal> {
  const earlier = await MergeJournal.read(destination);
  if (earlier) await destination.removeUnfinished?.();
  const isModel = earlier !== null && (await destination.list()).includes(configFile);
  if (earlier?.head.fingerprint === head.fingerprint && !destination.mayWake) {
    // It may have been interrupted between the last file and the removal of the journal.
    if ((await destination.list()).includes(LAST)) await destination.remove(LAST);
    return earlier;
  }
  if (isModel && earlier.head.fingerprint !== head.fingerprint) {
    await earlier.close();
    throw otherModel(destination, 'another merge was finished there');
  }
  if (earlier) await removeAll(destination, earlier);
  await refuseOverwriting(destination, [...head.files, indexFileName]);
  return MergeJournal.create(destination, head);
}

/** Removes the files of an unfinished merge; the journal last, so that a crash leaves no orphans. */
async function removeAll(destination: MergeFolder, journal: MergeJournal): Promise<void> {
  await removeFiles(destination, journal.head.files);
  await journal.remove();
}

async function removeFiles(destination: MergeFolder, files: readonly string[]): Promise<void> {
  const present = new Set(await destination.list());
  for (const file of [configFile, ...files.filter((name) => name !== configFile)]) {
    if (present.has(file)) await destination.remove(file);
  }
}

/** Writes one file of weights, from where an earlier start ended. */
export async function writeShard(
  destination: MergeFolder,
  journal: MergeJournal,
  place: ShardToWrite,
  progress: WriteProgress,
  options: Pick<WriteOptions, 'crc'>,
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

/** Reports progress, and checks for cancellation. */
export class WriteProgress {
  readonly #total: number;
  readonly #options: WriteOptions;
  #done = 0;
  #wasThere = 0;
  #told = false;

  constructor(total: number, options: WriteOptions) {
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

  /** Reports the complete shards together with the first incomplete one. */
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
  const text = files.find(({ name }) => name === configFile)?.text ?? null;
  if (text !== null) return new TextEncoder().encode(text);
  const source = await base.open(configFile);
  return source.read(0, source.size);
}

/** The user's files must not be overwritten, nor be removed as ours when a failed merge is cleaned up. */
async function refuseOverwriting(folder: WritableFolder, files: readonly string[]): Promise<void> {
  const present = (await folder.list()).find((name) => files.includes(name) || name.endsWith('.safetensors'));
  if (present !== undefined) throw new GraftError('merge.destination_not_empty', { file: present });
}
