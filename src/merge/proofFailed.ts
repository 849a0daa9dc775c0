import { GraftError } from '../lib/errors.ts';

/** The error of a merged model that is not what it should be; `detail` says where. */
export function proofFailed(detail: string): GraftError {
  return new GraftError('merge.proof_failed', { detail });
}
