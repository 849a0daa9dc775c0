import { GraftError, messageOf, type ErrorCode, type ErrorParams } from './errors.ts';

/** An error as plain data, which structured cloning leaves whole: of an Error it copies only name, message and stack. */
export interface ErrorFacts {
  /** Null where it is not a GraftError. */
  code: ErrorCode | null;
  params: ErrorParams;
  message: string;
}

/** An error as plain data. */
export function errorFacts(error: unknown): ErrorFacts {
  if (error instanceof GraftError) return { code: error.code, params: error.params, message: error.message };
  return { code: null, params: {}, message: messageOf(error) };
}

/** The error that plain data stands for: a GraftError for a known code, a plain Error for anything else. */
export function errorOf({ code, params, message }: ErrorFacts): Error {
  return code === null ? new Error(message) : new GraftError(code, params);
}
