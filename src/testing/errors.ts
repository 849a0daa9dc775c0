import { expect } from 'vitest';
import { GraftError, type ErrorCode, type ErrorParams } from '../base/lib/errors.ts';

/**
 * Checks that `work` throws (or rejects with) the GraftError `code`, whose params include `params` and fill its text.
 */
export async function expectGraftError(
  work: () => unknown,
  code: ErrorCode,
  params: ErrorParams = {},
): Promise<void> {
  const error = await caught(work);
  expect(error).toBeInstanceOf(GraftError);
  const graftError = error as GraftError;
  expect({ code: graftError.code, message: graftError.message }).toMatchObject({ code });
  expect(graftError.params).toMatchObject(params);
  expect(graftError.message).not.toMatch(/\{\w+\}/);
}

/** The error that `work` throws or rejects with; undefined if it succeeds. */
export async function caught(work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  return undefined;
}
