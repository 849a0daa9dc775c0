import { tallyVotes, type Tally, type Vote } from '../../content/metrics/votes.ts';
import { reportCsv, type EvaluationReport, type RowReport } from './report.ts';

/** Two systems of a report, by their places. */
export type Pair = readonly [number, number];

/** A report with the votes on its rows. */
export interface VotedReport extends EvaluationReport {
  /** For each pair of systems that was voted on. */
  votes: (Tally & { names: [string, string] })[];
  rows: (RowReport & { votes: Record<string, string> })[];
}

/** Rows that a pair of systems answers differently: those that can be voted on, in the report's order. */
export function votableRows({ rows }: EvaluationReport, [a, b]: Pair): RowReport[] {
  return rows.filter(({ systems }) => {
    const [first, second] = [systems[a]!.answer, systems[b]!.answer];
    return first !== null && second !== null && first !== second;
  });
}

/** The vote on a row as it is; null where there is none, or one on other answers. */
export function voteOn(
  { systems }: EvaluationReport,
  row: RowReport,
  [a, b]: Pair,
  votes: readonly Vote[],
): Vote | null {
  return (
    votes.find(
      ({ line, prompt, names, answers }) =>
        line === row.line &&
        prompt === row.prompt &&
        names[0] === systems[a]!.name &&
        names[1] === systems[b]!.name &&
        answers[0] === row.systems[a]!.answer &&
        answers[1] === row.systems[b]!.answer,
    ) ?? null
  );
}

/** The votes on a pair's answers that are in a report. */
export function votesOnPair(report: EvaluationReport, pair: Pair, votes: readonly Vote[]): Vote[] {
  return votableRows(report, pair).flatMap((row) => voteOn(report, row, pair, votes) ?? []);
}

/** A report with the votes on its rows; as it is without any. */
export function withVotes(report: EvaluationReport, votes: readonly Vote[]): EvaluationReport | VotedReport {
  const pairs = votedPairs(report, votes);
  if (pairs.length === 0) return report;
  return {
    ...report,
    votes: pairs.map((pair) => ({
      names: namesOf(report, pair),
      ...tallyVotes(votesOnPair(report, pair, votes), report.seed),
    })),
    rows: report.rows.map((row) => ({ ...row, votes: votesOfRow(report, row, pairs, votes) })),
  };
}

/** The rows of a report as CSV, with a column for each pair that was voted on. */
export function votedCsv(report: EvaluationReport, votes: readonly Vote[]): string {
  const pairs = votedPairs(report, votes);
  const heads = pairs.map((pair) => namesOf(report, pair).join(' / '));
  return reportCsv(report, {
    head: heads.map((head) => `vote (${head})`),
    cells: (row) => {
      const own = votesOfRow(report, row, pairs, votes);
      return heads.map((head) => own[head] ?? '');
    },
  });
}

/** The preferred system of a row by the pair, as `a / b`; `tie` where neither is. */
function votesOfRow(
  report: EvaluationReport,
  row: RowReport,
  pairs: readonly Pair[],
  votes: readonly Vote[],
): Record<string, string> {
  return Object.fromEntries(
    pairs.flatMap((pair) => {
      const vote = voteOn(report, row, pair, votes);
      if (!vote) return [];
      const { names, preferred } = vote;
      return [[names.join(' / '), preferred === 'tie' ? 'tie' : names[preferred === 'first' ? 0 : 1]]];
    }),
  );
}

function votedPairs(report: EvaluationReport, votes: readonly Vote[]): Pair[] {
  return pairsOf(report).filter((pair) => votesOnPair(report, pair, votes).length > 0);
}

/** All pairs of systems of a report. */
export function pairsOf({ systems }: EvaluationReport): Pair[] {
  return systems.flatMap((_, b) => Array.from({ length: b }, (__, a): Pair => [a, b]));
}

function namesOf({ systems }: EvaluationReport, [a, b]: Pair): [string, string] {
  return [systems[a]!.name, systems[b]!.name];
}
