import { errorTexts, type ErrorCode } from './errorTexts/index.ts';

export type { ErrorCode };

/** Values for the placeholders of an error's text: the file, line, tensor or field at fault. */
export type ErrorParams = Record<string, string | number | boolean>;

/**
 * Graft's only error class. `code` names the kind, `params` the file, line, tensor or field; the text (what happened,
 * why, what to do next) is looked up by code, so that it can be translated.
 */
export class GraftError extends Error {
  readonly code: ErrorCode;
  readonly params: ErrorParams;

  constructor(code: ErrorCode, params: ErrorParams = {}, options: { cause?: unknown } = {}) {
    super(describe(code, params), options);
    this.name = 'GraftError';
    this.code = code;
    this.params = params;
  }
}

/** Fills the text of `code` with `params`: "what happened. What to do next." */
export function describe(code: ErrorCode, params: ErrorParams): string {
  const { what, next } = errorTexts[code];
  return `${fill(what, params)} ${fill(next, params)}`.trim();
}

function fill(text: string, params: ErrorParams): string {
  return text.replace(/\{(\w+)\}/g, (_, key: string) => String(params[key] ?? `{${key}}`));
}

/** The message of any thrown value, for places that can only show text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Throws on a programmer's error: a broken invariant, never something a user's input can cause. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`internal: ${message}`);
}
