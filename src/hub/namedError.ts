import { HubApiError } from '@huggingface/hub';
import { GraftError, messageOf, type ErrorCode, type ErrorParams } from '../lib/errors.ts';
import { Transient } from './answers.ts';

/**
 * The error for people of a call of the client library that failed: its own name where it has one, else `code` with
 * the library's complaint as `detail`, for answers that are not what the API gives. Throws the signal's reason.
 */
export function namedError(
  error: unknown,
  code: ErrorCode,
  params: ErrorParams,
  signal?: AbortSignal,
): GraftError {
  signal?.throwIfAborted();
  if (error instanceof GraftError) return error;
  if (error instanceof Transient) return error.named;
  const detail = error instanceof HubApiError ? `status ${error.statusCode}` : messageOf(error);
  // Signed addresses are secrets for a while.
  const told = detail.replace(/https?:\S+/g, '…').slice(0, 200);
  return new GraftError(code, { ...params, detail: told }, { cause: error });
}
