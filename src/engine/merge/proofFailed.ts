import { GraftError } from '../../base/lib/errors.ts';

/** The error of a merged model that fails verification; `detail` says where. */
export function proofFailed(detail: string): GraftError {
  return new GraftError('merge.proof_failed', { detail });
}
