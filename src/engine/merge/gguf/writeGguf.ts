import { createContentHash } from '../../../base/lib/contentHash.ts';
import { writeText } from '../../../content/formats/text.ts';
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
}

/** What was written, and what its proof measured. */
export interface WrittenGguf {
  files: MergedFile[];
  proof: GgufProof;
}

/** A text that is written last, when the file is proved: with it the folder is what it is for, such as a Modelfile. */
export interface LastFile {
  name: string;
  text: string;
}

/**
 * Writes a GGUF file into a folder, a block of rows at a time: all sizes are known before, and the file's header comes
 * last. Reads it back and proves it (`verifyGguf`); what cannot be proved is removed. On failure or cancellation what is
 * written stays with a journal, and the same export resumes from it. Throws `merge.*`, `formats.gguf_write_*`.
 */
export async function writeGguf(
  gpu: Gpu,
  job: GgufJob,
  destination: MergeFolder,
  file: string,
  options: GgufOptions & { last?: LastFile },
): Promise<WrittenGguf> {
  checkMergeJob(job.merge);
  const { tensors, layout, output } = await planGguf(gpu, job, file);
  const { last = null, signal, onProving } = options;
  const journal = await openJournal(destination, {
    fingerprint: await fingerprintOf(gpu, job, layout.header, output),
    files: [file, ...(last ? [last.name] : [])],
    shards: [{ file, pieces: piecesOf(layout) }],
  });
  const place = {
    shard: 0,
    file,
    layout,
    names: layout.tensors.map(({ name }) => name),
    tensors: tensors.map(({ written }) => written),
  };
  let written: MergedFile;
  try {
    const progress = new WriteProgress(layout.totalBytes - layout.header.byteLength, options);
    written = await writeShard(destination, journal, place, progress, options);
    progress.end();
  } catch (error) {
    await journal.close();
    throw error;
  } finally {
    output.workspace.dispose();
    await job.merge.base.checkpoint.release();
  }
  const merge = new WrittenMerge(destination, journal, [place], [written], null);
  try {
    const proof = await verifyGguf(gpu, job, merge, file, onProving, signal);
    if (last) await writeText(destination, last.name, last.text);
    await destination.checkOwner?.();
    await merge.commit();
    const size = last
      ? [{ name: last.name, size: new TextEncoder().encode(last.text).byteLength, crc: null }]
      : [];
    return { files: [written, ...size], proof };
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
  header: Uint8Array,
  output: Awaited<ReturnType<typeof planGguf>>['output'],
): Promise<string> {
  const hasher = await createContentHash();
  hasher.update(`gguf 1 ${type} ${await jobFingerprint(gpu, merge, output, 0)}`);
  hasher.update(header);
  return hasher.digest('hex');
}
