import { GraftError, messageOf, type ErrorCode, type ErrorParams } from '../lib/errors.ts';

/** Something that went wrong, kept in the store until it is dismissed or tried again. */
export interface ErrorNote {
  /** Null for what nobody foresaw. */
  code: ErrorCode | null;
  params: ErrorParams;
  message: string;
  /** For a report: name, message and stack. */
  detail: string;
}

/** The note of anything thrown. */
export function noteOf(error: unknown): ErrorNote {
  const known = error instanceof GraftError ? error : null;
  return {
    code: known?.code ?? null,
    params: known?.params ?? {},
    message: messageOf(error),
    detail: error instanceof Error ? (error.stack ?? String(error)) : String(error),
  };
}
