import { createContentHash } from '../../../base/lib/contentHash.ts';
import { writeBytes } from '../../../content/formats/text.ts';
import type { Gpu } from '../../gpu/device.ts';
import { jobFingerprint } from '../jobFingerprint.ts';
import type { MergeFolder } from '../mergeFolder.ts';
import { checkMergeJob } from '../mergeJob.ts';
import { openJournal, WriteProgress, writeShard, type WriteOptions } from '../mergeModel.ts';
import { piecesOf } from '../shardFile.ts';
import { WrittenMerge } from '../writtenMerge.ts';
import { planGguf, type GgufJob } from './ggufJob.ts';
import { verifyGguf, type GgufProof } from './verifyGguf.ts';
import type { MergedFile } from '../writtenMerge.ts';

export interface GgufOptions extends WriteOptions {
  /** Reports bytes read back and verified, of the total. */
  onProving?(done: number, total: number): void;
  /** The most bytes of a file, beyond which the model is in parts: see `splitGguf`. */
  maxFileBytes?: number;
  /** Files written in this order when the model is proved: with the last one the folder is what it is for. */
  last?: readonly LastFile[] | ((model: readonly { name: string; size: number }[]) => readonly LastFile[]);
}

/** What was written, and what its proof measured. */
export interface WrittenGguf {
  files: MergedFile[];
  proof: GgufProof;
}

/** A small file beside the model, such as a Modelfile. */
export interface LastFile {
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Writes a GGUF file, or its parts, into a folder, a block of rows at a time: all sizes are known before, and a file's
 * header comes last. Reads it back and proves it (`verifyGguf`); what cannot be proved is removed. On failure or cancellation what is
 * written stays with a journal, and the same export resumes from it. Throws `merge.*`, `formats.gguf_write_*`.
 */
export async function writeGguf(
  gpu: Gpu,
  job: GgufJob,
  destination: MergeFolder,
  file: string,
  options: GgufOptions,
): Promise<WrittenGguf> {
  checkMergeJob(job.merge);
  const { last: given = [], signal, onProving, maxFileBytes } = options;
  const { tensors, parts, dataBytes, output } = await planGguf(gpu, job, file, maxFileBytes);
  const last =
    typeof given === 'function'
      ? given(parts.map(({ file: name, layout }) => ({ name, size: layout.totalBytes })))
      : given;
  const journal = await openJournal(destination, {
    fingerprint: await fingerprintOf(
      gpu,
      job,
      parts.map(({ layout }) => layout.header),
      output,
    ),
    files: [...parts.map((part) => part.file), ...last.map(({ name }) => name)],
    shards: parts.map(({ file: name, layout }) => ({ file: name, pieces: piecesOf(layout) })),
  });
  const places = parts.map(({ file: name, layout, begin, end }, shard) => ({
    shard,
    file: name,
    layout,
    names: layout.tensors.map((tensor) => tensor.name),
    tensors: tensors.slice(begin, end).map(({ written }) => written),
  }));
  const written: MergedFile[] = [];
  try {
    const progress = new WriteProgress(dataBytes, options);
    for (const place of places)
      written.push(await writeShard(destination, journal, place, progress, options));
    progress.end();
  } catch (error) {
    await journal.close();
    throw error;
  } finally {
    output.workspace.dispose();
    await job.merge.base.checkpoint.release();
  }
  const merge = new WrittenMerge(destination, journal, places, written, null);
  try {
    const proof = await verifyGguf(gpu, job, merge, { file, maxFileBytes }, onProving, signal);
    for (const { name, bytes } of last) await writeBytes(destination, name, bytes);
    await destination.checkOwner?.();
    await merge.commit();
    const beside = last.map(({ name, bytes }) => ({ name, size: bytes.byteLength, crc: null }));
    return { files: [...written, ...beside], proof };
  } catch (error) {
    await (isProofFailure(error) ? merge.discard() : merge.leave());
    throw error;
  }
}

function isProofFailure(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'merge.proof_failed';
}

/** The merge's own fingerprint, and what the file says besides. */
async function fingerprintOf(
  gpu: Gpu,
  { merge, type }: GgufJob,
  headers: readonly Uint8Array[],
  output: Awaited<ReturnType<typeof planGguf>>['output'],
): Promise<string> {
  const hasher = await createContentHash();
  hasher.update(`gguf 1 ${type} ${await jobFingerprint(gpu, merge, output, 0)}`);
  for (const header of headers) hasher.update(header);
  return hasher.digest('hex');
}

/** A text as such a file. */
export function textFile(name: string, text: string): LastFile {
  return { name, bytes: new TextEncoder().encode(text) };
}
