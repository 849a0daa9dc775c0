import { GraftError, messageOf } from '../lib/errors.ts';

/** DOMException names and Node file error codes, by error code. */
const codes = {
  QuotaExceededError: 'storage.quota',
  ENOSPC: 'storage.quota',
  EDQUOT: 'storage.quota',
  NotAllowedError: 'storage.denied',
  SecurityError: 'storage.denied',
  EACCES: 'storage.denied',
  EPERM: 'storage.denied',
  EROFS: 'storage.denied',
  NotFoundError: 'storage.not_found',
  TypeMismatchError: 'storage.not_found',
  ENOENT: 'storage.not_found',
  NotReadableError: 'storage.changed',
  NoModificationAllowedError: 'storage.busy',
  InvalidStateError: 'storage.busy',
  EBUSY: 'storage.busy',
  ENOTDIR: 'storage.not_a_folder',
  EISDIR: 'storage.is_a_folder',
} as const;

/**
 * The named error for an exception from a browser or Node while `file` of `folder` was used; a GraftError passes
 * through.
 */
export function storageError(error: unknown, file: string, folder: string): GraftError {
  if (error instanceof GraftError) return error;
  const { name, code } = error as { name?: unknown; code?: unknown };
  const key = [code, name].find(
    (candidate) => typeof candidate === 'string' && Object.hasOwn(codes, candidate),
  );
  const known = key === undefined ? 'storage.failed' : codes[key as keyof typeof codes];
  return new GraftError(known, { file, folder, detail: messageOf(error) }, { cause: error });
}

/** Runs `work` on `file` of `folder`, converting exceptions to named errors. */
export async function naming<T>(file: string, folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageError(error, file, folder);
  }
}
