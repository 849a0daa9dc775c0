import type { ModelFiles } from '../spec/openModel.ts';
import { vocabularyMatrix } from './vocabulary.ts';
import type { Streaming } from './streaming.ts';
import type { HeadStorage } from './weightStorage.ts';

/** A smaller embedding stays on the GPU: reading its rows would save little. */
const MIN_BYTES = 32 * 1024 * 1024;

/**
 * Whether an embedding that nothing else uses stays on disk, from where the rows of a micro-batch's tokens are read: a
 * micro-batch needs few. A tied head uses all of it, unless the head is stored in fewer bits.
 */
export function embeddingStaysOnDisk(files: ModelFiles, head: HeadStorage | null | undefined): boolean {
  return (!files.spec.tied || Boolean(head)) && embeddingBytes(files) >= MIN_BYTES;
}

/** Bytes of an embedding that is stored in floats; 0 for another. */
export function embeddingBytes({ spec, matrices, checkpoint }: ModelFiles): number {
  const stored = matrices.get(vocabularyMatrix(spec, 'embedding').module);
  if (stored?.kind !== 'float') return 0;
  const { begin, end } = checkpoint.get(stored.tensor).info;
  return end - begin;
}

/** Bytes of the embedding that a run leaves on disk. */
export function embeddingOnDisk(
  files: ModelFiles,
  head: HeadStorage | null | undefined,
  { ends }: Pick<Streaming, 'ends'>,
): number {
  return ends || embeddingStaysOnDisk(files, head) ? embeddingBytes(files) : 0;
}
