import { GraftError, describe, type ErrorCode, type ErrorParams } from '../../../base/lib/errors.ts';

/** A row (or place) of a data file that can't be used, and why. */
export interface Problem {
  /** Line of the file, from 1. */
  line: number;
  code: ErrorCode;
  params: ErrorParams;
  message: string;
  /** The row's source text, if its JSON can't be parsed: at most {@link MAX_PROBLEM_TEXT} characters. */
  text?: string;
  /** Index among the rows that were read, if it is one of them. */
  row?: number;
}

/** Problems beyond this are only counted. */
export const MAX_PROBLEMS = 1000;

/** Unparsable rows longer than this are not retained for repair. */
export const MAX_PROBLEM_TEXT = 100_000;

/** Collects problems with line numbers; retains the first {@link MAX_PROBLEMS} and counts all. */
export class ProblemLog {
  readonly problems: Problem[] = [];
  count = 0;

  constructor(
    /** The data file's name, for messages. */
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
    if (this.problems.length < MAX_PROBLEMS) {
      const text = where.text !== undefined && where.text.length <= MAX_PROBLEM_TEXT ? where.text : undefined;
      this.problems.push({
        line,
        code,
        params: all,
        message: describe(code, all),
        ...(text !== undefined && { text }),
        ...(where.row !== undefined && { row: where.row }),
      });
    }
  }

  /** Runs `work` for `line`; a GraftError of the area `data` becomes a problem of that line and returns null. */
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
