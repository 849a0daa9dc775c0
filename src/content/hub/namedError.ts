import { HubApiError } from '@huggingface/hub';
import { GraftError, messageOf, type ErrorCode, type ErrorParams } from '../../base/lib/errors.ts';
import { Transient } from './answers.ts';

/**
 * The error to report for a failed call of the client library: the named error if there is one, otherwise `code` with
 * the library's message as `detail`, for answers that violate the API. Throws the signal's reason.
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
  // Signed addresses are temporary secrets.
  const shown = detail.replace(/https?:\S+/g, '…').slice(0, 200);
  return new GraftError(code, { ...params, detail: shown }, { cause: error });
}
