import { GraftError } from '../../base/lib/errors.ts';

/** A parser, what it is fed with, and what must hold of whatever it answers. */
export interface FuzzTarget {
  name: string;
  /** Real files, or parts of them: mutations begin with these. */
  seeds(): Promise<Uint8Array[]>;
  /** The format's own words, for mutations to insert. */
  dictionary: readonly string[];
  /** Whether the format is text, with numbers and brackets to be changed. */
  text: boolean;
  /**
   * Parses `input` and checks the result. Throws what the parser throws; a broken promise of its result is an ordinary
   * `Error`, which counts as a failure.
   */
  run(input: Uint8Array<ArrayBuffer>): Promise<unknown> | unknown;
  /** Errors besides GraftErrors that callers of the parser expect of it. */
  mayThrow?(error: unknown): boolean;
  /** Inputs `npm test` tries: some targets take microseconds, others milliseconds. */
  quick: number;
}

/** Whether an error is one that a user can be shown: its kind has a text that says what to do. */
export function isExpected(target: FuzzTarget, error: unknown): boolean {
  return error instanceof GraftError || (target.mayThrow?.(error) ?? false);
}

/** What a target promises of a result. */
export function holds(condition: unknown, promise: string): asserts condition {
  if (!condition) throw new Error(`broken promise: ${promise}`);
}

export const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** As parsers decode files: what is not UTF-8 becomes U+FFFD. */
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
