import type { ByteSource } from '../../base/storage/types.ts';

/**
 * A file of a checkpoint, read a piece at a time: an optimizer's state of 1 GB is never in memory whole.
 * `bytesSource` (storage/byteSource.ts) makes one of bytes in memory.
 */
export interface CheckpointFile extends Pick<ByteSource, 'name' | 'size' | 'read'> {
  /** Only a resume needs it (AdamW's m and v): it is dropped when space is freed, while the adapter stays. */
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
  /** Anything JSON can hold: counters, random numbers, the position in the data. */
  state: unknown;
  /** Names are unique. */
  files: readonly CheckpointFile[];
}

/** Bytes of a checkpoint that are in memory at once. */
export const CHUNK_BYTES = 16 * 1024 * 1024;
