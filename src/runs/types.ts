import type { ByteSource } from '../storage/types.ts';

/**
 * A part of a checkpoint, read a piece at a time: an optimizer's state of 1 GB is never in memory whole.
 * `bytesSource` (storage/byteSource.ts) makes one of bytes in memory.
 */
export interface CheckpointFile extends Pick<ByteSource, 'name' | 'size' | 'read'> {
  /** Only going on with the training needs it (AdamW's m and v): dropped when space is freed, where the adapter stays. */
  readonly forResume?: boolean;
}

/**
 * One saved state of a run: small JSON and named byte arrays (parameters, m, v, …).
 *
 * Whoever saves one reads every file once, front to back, in pieces of at most `CHUNK_BYTES`, before `save` resolves:
 * a file may be a view of GPU memory, which must not change until then. One that was loaded has been verified, and may
 * be read at any offset as long as the run stays open.
 */
export interface CheckpointData {
  /** Optimizer steps done. */
  step: number;
  /** Anything JSON can hold: counters, random numbers, the place in the data. */
  state: unknown;
  /** Names are unique. */
  files: readonly CheckpointFile[];
}

/** Bytes of a checkpoint that are in memory at once. */
export const CHUNK_BYTES = 16 * 1024 * 1024;
