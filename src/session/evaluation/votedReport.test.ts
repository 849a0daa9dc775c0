import { describe, expect, it } from 'vitest';
import type { Vote } from '../../content/metrics/votes.ts';
import type { EvaluationReport } from './report.ts';
import { pairsOf, votableRows, votedCsv, votesOnPair, withVotes } from './votedReport.ts';

const system = (name: string) => ({
  name,
  figures: { exact: 0 },
  differences: null,
  tokens: 3,
  cut: 0,
  seconds: 1,
});
const row = (line: number, ...answers: (string | null)[]) => ({
  line,
  prompt: `Question ${line}`,
  expected: null,
  differs: true,
  systems: answers.map((answer) => ({ answer, scores: { exact: 0 } })),
});
const report: EvaluationReport = {
  file: 'rows.jsonl',
  seed: 0,
  maxNewTokens: 8,
  systems: [system('base'), system('tuned')],
  rows: [row(1, 'a', 'b'), row(2, 'a', 'a'), row(3, 'c', 'd'), row(4, null, null)],
  problems: [],
};
const vote = (line: number, answers: [string, string], preferred: Vote['preferred']): Vote => ({
  line,
  prompt: `Question ${line}`,
  names: ['base', 'tuned'],
  answers,
  preferred,
});

describe('votes of a report', () => {
  it('are on rows with different answers', () => {
    expect(pairsOf({ ...report, systems: ['a', 'b', 'c'].map(system) })).toEqual([
      [0, 1],
      [0, 2],
      [1, 2],
    ]);
    expect(votableRows(report, [0, 1]).map(({ line }) => line)).toEqual([1, 3]);
  });

  it('count as long as answers are the same, and are in its files', () => {
    const votes = [
      vote(1, ['a', 'b'], 'second'),
      vote(3, ['c', 'other'], 'first'),
      vote(3, ['c', 'd'], 'tie'),
    ];
    expect(votesOnPair(report, [0, 1], votes).map(({ preferred }) => preferred)).toEqual(['second', 'tie']);
    const voted = withVotes(report, votes);
    expect(voted).toMatchObject({
      votes: [{ names: ['base', 'tuned'], first: 0, second: 1, ties: 1, difference: { difference: 0.5 } }],
      rows: [{ votes: { 'base / tuned': 'tuned' } }, { votes: {} }, { votes: { 'base / tuned': 'tie' } }, {}],
    });
    const lines = votedCsv(report, votes).split('\r\n');
    expect(lines[0]).toMatch(/,exact \(tuned\),vote \(base \/ tuned\)$/);
    expect(lines.slice(1, 5).map((line) => line.split(',').at(-1))).toEqual(['tuned', '', 'tie', '']);
  });

  it('leave a report without any as it is', () => {
    const other = [vote(1, ['x', 'b'], 'second')];
    expect(withVotes(report, other)).toBe(report);
    expect(votedCsv(report, other)).not.toContain('vote');
  });
});
