import { GraftError, type ErrorCode } from './errors.ts';

/**
 * What an error means for the work it ended:
 * - `recoverable`: the device or the worker is gone; a stored run resumes by itself on a new one
 * - `fatal`: the device is unusable, and the same work would end the same way: a stored run can be resumed by the user
 * - `storage`: no room, or a disk that does not write: training waits, or continues without the checkpoint
 * - `user`: the input, as the error's code and params say; nothing to retry
 * - `internal`: a fault of the program
 */
export type ErrorKind = 'recoverable' | 'fatal' | 'storage' | 'user' | 'internal';

const kinds: Partial<Record<ErrorCode, ErrorKind>> = {
  'gpu.device_lost': 'recoverable',
  'workers.crashed': 'recoverable',
  'gpu.out_of_memory': 'fatal',
  'gpu.validation': 'fatal',
  'storage.quota': 'storage',
  'storage.failed': 'storage',
  'runs.not_written': 'storage',
};

/** The kind of anything thrown. A worker that was restarted says why by its cause. */
export function errorKind(error: unknown): ErrorKind {
  if (!(error instanceof GraftError)) return 'internal';
  if (error.code === 'workers.restarted') return errorKind(error.cause);
  return kinds[error.code] ?? 'user';
}

/**
 * Whether writing failed for what the disk or its folder is like: no room, a fault, gone read-only, removed. Who writes
 * beside the work itself waits, or goes on without.
 */
export function isWriteFailure(error: unknown): boolean {
  return error instanceof GraftError && (errorKind(error) === 'storage' || diskErrors.has(error.code));
}

/** Errors of the kind `user` that a disk causes as well: one that is remounted read-only, unplugged or cleaned up. */
const diskErrors: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'storage.denied',
  'storage.busy',
  'storage.not_found',
  'storage.folder_not_found',
  'storage.not_a_folder',
  'storage.short_read',
]);

/** Whether the GPU device answers nothing more after an error: only a new one helps. */
export function losesDevice(error: unknown): boolean {
  const kind = errorKind(error);
  return (
    error instanceof GraftError &&
    error.code.startsWith('gpu.') &&
    (kind === 'recoverable' || kind === 'fatal')
  );
}

/** Whether a stored run can be resumed after an error, as one that was cut off; any other failed. */
export function leavesRunResumable(error: unknown): boolean {
  const kind = errorKind(error);
  return kind === 'recoverable' || kind === 'fatal';
}
