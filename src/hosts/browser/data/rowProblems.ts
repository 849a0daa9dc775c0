import { GraftError } from '../../../base/lib/errors.ts';
import type { Dataset } from '../../../content/data/dataset/dataset.ts';
import type { Problem } from '../../../content/data/files/problems.ts';
import type { RowProblem } from '../dataProtocol.ts';

/** How many problems are sent to the page: it lists the first and shows their number. */
const LISTED_PROBLEMS = 50;

/** The first problems by line, and how many there are. */
export interface ProblemList {
  problems: RowProblem[];
  problemCount: number;
}

/** Rows of the file that can't be read and were neither repaired nor excluded. */
export function unreadableRows({ parsed, sheet }: Dataset): ProblemList {
  const settled = new Set<Problem>();
  const positions = new Map<Problem, number>();
  for (let position = 0; position < sheet.length; position++) {
    const problem = sheet.fileProblem(position);
    if (!problem) continue;
    if (sheet.isExcluded(position) || sheet.isEdited(position)) settled.add(problem);
    positions.set(problem, position);
  }
  const problems = parsed.problems
    .filter((problem) => !settled.has(problem))
    .slice(0, LISTED_PROBLEMS)
    .map((problem) => listed(problem, positions.get(problem) ?? null));
  return { problems, problemCount: parsed.problemCount - settled.size };
}

/** Rows as they are now that can't be read, or can't be trained on. */
export function unusableRows(dataset: Dataset): ProblemList {
  const unreadable = unreadableRows(dataset);
  const { problems = [], problemCount = 0 } = dataset.tokens?.all ?? {};
  const untrained = problems.slice(0, LISTED_PROBLEMS).map((problem) => located(dataset, problem));
  return {
    problems: [...unreadable.problems, ...untrained]
      .sort((a, b) => a.line - b.line)
      .slice(0, LISTED_PROBLEMS),
    problemCount: unreadable.problemCount + problemCount,
  };
}

/** Why the row at a position can't be used; null where it can. */
export function problemAt(dataset: Dataset, position: number): RowProblem | null {
  const row = dataset.sheet.row(position);
  const problem = row ? dataset.problemOf(row) : dataset.sheet.unreadable(position);
  return problem && located(dataset, problem);
}

/** An error about the row on a line as its problem; any other error is thrown. */
export function problemFrom(error: unknown, line: number, file: string): RowProblem {
  if (!(error instanceof GraftError)) throw error;
  return { line, code: error.code, params: { file, line, ...error.params }, position: null };
}

function located(dataset: Dataset, problem: Problem): RowProblem {
  const row = dataset.rowOf(problem);
  return listed(problem, row && dataset.sheet.positionOf(row));
}

function listed({ line, code, params }: Problem, position: number | null): RowProblem {
  return { line, code, params, position };
}
