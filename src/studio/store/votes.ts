/** Blind votes on the answers of an evaluation, as the page shows them. */
import { isSwapped, votableRows, voteOn, type Vote } from '../../hosts/browser/protocol.ts';
import type { EvaluationState } from './state/evaluation.ts';

export {
  pairsOf,
  tallyVotes,
  votableRows,
  votedCsv,
  votesOnPair,
  withVotes,
} from '../../hosts/browser/protocol.ts';

/** The row that is to be voted on: its answers, and whether they have changed sides. */
export interface ShownRow extends Omit<Vote, 'preferred'> {
  swapped: boolean;
}

/** The first row of the pair without a vote; null where all have one, or nobody votes. */
export function shownRow({ report, voting, votes }: EvaluationState): ShownRow | null {
  if (!report || !voting) return null;
  const row = votableRows(report, voting).find((one) => voteOn(report, one, voting, votes) === null);
  if (!row) return null;
  const [a, b] = voting;
  const names: [string, string] = [report.systems[a]!.name, report.systems[b]!.name];
  const { line, prompt, systems } = row;
  const answers: [string, string] = [systems[a]!.answer ?? '', systems[b]!.answer ?? ''];
  return { line, prompt, names, answers, swapped: isSwapped(report.seed, line, names) };
}
