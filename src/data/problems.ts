import { GraftError, describe, type ErrorCode, type ErrorParams } from '../lib/errors.ts';

/** One row (or place) of a data file that can't be used, and why. */
export interface Problem {
  /** Line of the file, from 1. */
  line: number;
  code: ErrorCode;
  params: ErrorParams;
  message: string;
  /** The row as it stands in the file, where its JSON can't be read: at most {@link MAX_KEPT_TEXT} characters. */
  text?: string;
  /** Index among the rows that were read, where it is one of them. */
  row?: number;
}

/** More problems than this are counted but not kept: nobody reads the thousandth. */
export const MAX_KEPT_PROBLEMS = 1000;

/** Longer rows that can't be read are not kept to be repaired. */
export const MAX_KEPT_TEXT = 100_000;

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
  add(
    line: number,
    code: ErrorCode,
    params: ErrorParams = {},
    { cause, ...where }: { cause?: unknown } & Pick<Problem, 'text' | 'row'> = {},
  ): void {
    const all = { file: this.file, line, ...params };
    if (this.strict) throw new GraftError(code, all, { cause });
    this.count++;
    if (this.kept.length < MAX_KEPT_PROBLEMS) {
      const text = where.text !== undefined && where.text.length <= MAX_KEPT_TEXT ? where.text : undefined;
      this.kept.push({
        ...{ line, code, params: all, message: describe(code, all) },
        ...(text !== undefined && { text }),
        ...(where.row !== undefined && { row: where.row }),
      });
    }
  }

  /** Runs `work` for `line`; a GraftError of the area `data` becomes a problem of that line and gives null. */
  attempt<T>(line: number, work: () => T, row?: number): T | null {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof GraftError) || !error.code.startsWith('data.')) throw error;
      this.add(line, error.code, error.params, { cause: error.cause, ...(row !== undefined && { row }) });
      return null;
    }
  }
}
