import { GraftError, messageOf, type ErrorCode, type ErrorParams } from '../../base/lib/errors.ts';

/** An error, held in the store until it is dismissed or retried. */
export interface ErrorNote {
  /** Null for unexpected errors. */
  code: ErrorCode | null;
  params: ErrorParams;
  message: string;
  /** For a report: name, message and stack. */
  detail: string;
}

/** The note for any thrown value. */
export function noteOf(error: unknown): ErrorNote {
  const known = error instanceof GraftError ? error : null;
  return {
    code: known?.code ?? null,
    params: known?.params ?? {},
    message: messageOf(error),
    detail: error instanceof Error ? (error.stack ?? String(error)) : String(error),
  };
}
