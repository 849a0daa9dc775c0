import { csvOf } from '../../base/lib/csv.ts';
import { meanOf, pairedDifference, type Difference, type RowScore } from '../../content/metrics/bootstrap.ts';
import type { MetricName } from '../../content/metrics/metrics.ts';
import type { EvaluationData } from './evaluationData.ts';
import type { SystemResult } from './evaluateRows.ts';

/** A system by its name: the base first, then what is compared with it. */
export interface NamedResult {
  name: string;
  result: SystemResult;
}

/** A figure of a report: metrics by their names, `choice` as its two accuracies, and the grades of a judge. */
export type Figure = Exclude<MetricName, 'choice'> | 'acc' | 'acc_norm' | 'judge';

export interface SystemReport {
  name: string;
  /** Means over rows; of loss and perplexity over targets. */
  figures: Partial<Record<Figure, number>>;
  /** Differences to the base with 95% intervals; null for the base. */
  differences: Partial<Record<Figure, Difference>> | null;
  /** Tokens of all answers, and how many answers ended at the most. */
  tokens: number;
  cut: number;
  seconds: number;
}

/** What a system made of a row. */
export interface RowOfSystem {
  answer: string | null;
  scores: Partial<Record<Figure, number>>;
  /** Of the choices of a question. */
  logLikelihoods?: number[];
}

/** A row with what each system made of it, in the order of the systems. */
export interface RowReport {
  line: number;
  prompt: string;
  expected: string | null;
  /** Whether systems answer it differently, or only some choose right. */
  differs: boolean;
  systems: RowOfSystem[];
}

export interface EvaluationReport {
  file: string;
  /** Of the bootstrap. */
  seed: number;
  maxNewTokens: number;
  /** Examples before each multiple-choice question, where there are any. */
  shots?: number;
  systems: SystemReport[];
  /** Rows that systems differ in first. */
  rows: RowReport[];
  /** Rows that could not be used. */
  problems: { line: number; message: string }[];
}

/** Figures of all systems, what differs from the first of them, and the rows. */
export function evaluationReport(
  data: EvaluationData,
  systems: readonly NamedResult[],
  { seed = 0 }: { seed?: number } = {},
): EvaluationReport {
  const figures = figuresOf(data, systems);
  const [base] = systems;
  return {
    file: data.file,
    seed,
    maxNewTokens: data.maxNewTokens,
    ...(data.shots !== undefined && { shots: data.shots }),
    systems: systems.map(({ name, result }): SystemReport => {
      const all = figures.map((figure) => {
        const of = figure === 'perplexity' ? Math.exp : (mean: number) => mean;
        const scores = rowScores(figure, result);
        const difference =
          result === base!.result
            ? null
            : pairedDifference(rowScores(figure, base!.result), scores, { seed, of });
        return { figure, mean: meanOf(scores, of), difference };
      });
      return {
        name,
        figures: Object.fromEntries(all.map(({ figure, mean }) => [figure, mean])),
        differences:
          result === base!.result
            ? null
            : Object.fromEntries(all.map(({ figure, difference }) => [figure, difference])),
        tokens: result.answers.reduce((sum, { tokens }) => sum + tokens, 0),
        cut: result.answers.filter(({ stoppedBy }) => stoppedBy === 'length').length,
        seconds: result.seconds,
      };
    }),
    rows: rowsOf(data, systems, figures),
    problems: data.problems.map(({ line, error }) => ({ line, message: error.message })),
  };
}

/** Further columns of a report's CSV. */
export interface MoreColumns {
  head: readonly string[];
  cells: (row: RowReport) => readonly string[];
}

/** The rows of a report as CSV: line, prompt, expected, then answer and scores of each system. */
export function reportCsv(
  { systems, rows }: EvaluationReport,
  more: MoreColumns = { head: [], cells: () => [] },
): string {
  const names = systems.map(({ name }) => name);
  const figures = Object.keys(systems[0]?.figures ?? {}).filter(
    (figure) => figure !== 'perplexity',
  ) as Figure[];
  const hasAnswers = rows.some((row) => row.systems.some(({ answer }) => answer !== null));
  const head = names.flatMap((name) => [
    ...(hasAnswers ? [`answer (${name})`] : []),
    ...figures.map((figure) => `${figure} (${name})`),
  ]);
  const body = rows.map((row) => [
    String(row.line),
    row.prompt,
    row.expected ?? '',
    String(row.differs),
    ...row.systems.flatMap(({ answer, scores }) => [
      ...(hasAnswers ? [answer ?? ''] : []),
      ...figures.map((figure) => (scores[figure] === undefined ? '' : String(scores[figure]))),
    ]),
    ...more.cells(row),
  ]);
  return csvOf([['line', 'prompt', 'expected', 'differs', ...head, ...more.head], ...body]);
}

function figuresOf({ metrics }: EvaluationData, systems: readonly NamedResult[]): Figure[] {
  const judged = systems.some(({ result }) =>
    result.answers.some(({ scores }) => scores.judge !== undefined),
  );
  return [
    ...metrics.flatMap((metric): Figure[] => (metric === 'choice' ? ['acc', 'acc_norm'] : [metric])),
    ...(judged ? (['judge'] as const) : []),
  ];
}

/** What each row adds to a figure. Systems answer the same rows in the same order, so scores are paired. */
function rowScores(figure: Figure, { answers, losses, choices }: SystemResult): RowScore[] {
  if (figure === 'loss' || figure === 'perplexity') return losses;
  if (figure === 'acc' || figure === 'acc_norm')
    return choices.map((scores) => ({ value: scores[figure], weight: 1 }));
  return answers.flatMap(({ scores }) => {
    const value = scores[figure];
    return value === undefined ? [] : [{ value, weight: 1 }];
  });
}

function rowsOf(
  data: EvaluationData,
  systems: readonly NamedResult[],
  figures: readonly Figure[],
): RowReport[] {
  const rows = new Map<number, RowReport>();
  const rowAt = (line: number, prompt: string, expected: string | null) => {
    const row = rows.get(line) ?? {
      line,
      prompt,
      expected,
      differs: false,
      systems: systems.map(() => ({ answer: null, scores: {} })),
    };
    rows.set(line, row);
    return row;
  };
  data.answers.forEach(({ line, text, expected }, i) => {
    const row = rowAt(line, text, expected);
    const made = systems.map(({ result }) => result.answers[i]!);
    row.differs = made.some(({ text: answer }) => answer !== made[0]!.text);
    row.systems = made.map(({ text: answer, scores }) => ({ answer, scores: { ...scores } }));
  });
  data.choices.forEach(({ row: question }, i) => {
    const { line, context, choices, gold } = question;
    const row = rowAt(line, context, choices[gold]!);
    const made = systems.map(({ result }) => result.choices[i]!);
    row.differs = made.some(({ acc, acc_norm }) => acc !== made[0]!.acc || acc_norm !== made[0]!.acc_norm);
    row.systems = made.map(({ acc, acc_norm, logLikelihoods }) => ({
      answer: choices[logLikelihoods.indexOf(Math.max(...logLikelihoods))]!,
      scores: { acc, acc_norm },
      logLikelihoods,
    }));
  });
  if (figures.includes('loss')) addLosses(data, systems, rowAt);
  // Stable, so that rows stay in the file's order otherwise.
  return [...rows.values()]
    .sort((a, b) => a.line - b.line)
    .sort((a, b) => Number(b.differs) - Number(a.differs));
}

/** The mean loss of each line's targets; a line may have become several rows. */
function addLosses(
  { losses }: EvaluationData,
  systems: readonly NamedResult[],
  rowAt: (line: number, prompt: string, expected: string | null) => RowReport,
): void {
  const byLine = new Map<number, number[]>();
  losses?.rows.forEach(({ line }, at) => byLine.set(line, [...(byLine.get(line) ?? []), at]));
  for (const [line, some] of byLine) {
    const row = rowAt(line, '', null);
    systems.forEach(({ result }, i) => {
      const loss = meanOf(some.map((at) => result.losses[at]!));
      if (Number.isFinite(loss)) row.systems[i]!.scores.loss = loss;
    });
  }
}
