import { GraftError, describe, type ErrorCode, type ErrorParams } from '../lib/errors.ts';

/** One row (or place) of a data file that can't be used, and why. */
export interface Problem {
  /** Line of the file, from 1. */
  line: number;
  code: ErrorCode;
  message: string;
}

/** More problems than this are counted but not kept: nobody reads the thousandth. */
export const MAX_KEPT_PROBLEMS = 1000;

/** Collects problems by line; keeps the first {@link MAX_KEPT_PROBLEMS} and counts all. */
export class ProblemLog {
  readonly kept: Problem[] = [];
  count = 0;

  constructor(
    /** The data file's name, for the messages. */
    readonly file: string,
    /** Throw the first problem instead of collecting it. */
    private readonly strict = false,
  ) {}

  /** Records a problem of `line`. Throws it in strict mode. */
  add(line: number, code: ErrorCode, params: ErrorParams = {}, cause?: unknown): void {
    const all = { file: this.file, line, ...params };
    if (this.strict) throw new GraftError(code, all, { cause });
    this.count++;
    if (this.kept.length < MAX_KEPT_PROBLEMS) {
      this.kept.push({ line, code, message: describe(code, all) });
    }
  }

  /** Runs `work` for `line`; a GraftError of the area `data` becomes a problem of that line and gives null. */
  attempt<T>(line: number, work: () => T): T | null {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof GraftError) || !error.code.startsWith('data.')) throw error;
      this.add(line, error.code, error.params, error.cause);
      return null;
    }
  }
}
