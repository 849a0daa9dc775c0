import { createRandom } from '../../base/lib/random.ts';
import { pairedDifference, type Difference, type RowScore } from './bootstrap.ts';

/** What a person preferred of two answers to a row, not knowing whose they were. */
export interface Vote {
  line: number;
  prompt: string;
  /** The two systems, in the order of the report, and what they had answered. */
  names: [string, string];
  answers: [string, string];
  preferred: 'first' | 'second' | 'tie';
}

/** Votes on two systems. */
export interface Tally {
  first: number;
  second: number;
  ties: number;
  /** By how much the second's share of the votes is larger, a tie being half a vote for each; with a 95% interval. */
  difference: Difference;
}

/** Counts votes. The interval is that of the paired bootstrap; without votes there is none (NaN). */
export function tallyVotes(votes: readonly Pick<Vote, 'preferred'>[], seed = 0): Tally {
  const count = (wanted: Vote['preferred']) => votes.filter(({ preferred }) => preferred === wanted).length;
  const scores = (of: Vote['preferred']) =>
    votes.map(({ preferred }): RowScore => {
      const value = preferred === 'tie' ? 0.5 : Number(preferred === of);
      return { value, weight: 1 };
    });
  const difference = pairedDifference(scores('first'), scores('second'), { seed });
  return { first: count('first'), second: count('second'), ties: count('tie'), difference };
}

/** Whether the second answer is shown on side A: a coin for each row and pair, the same for a seed. */
export function isSwapped(seed: number, line: number, names: readonly [string, string]): boolean {
  return createRandom(seed).fork('votes').fork(names.join('\n')).fork(line).next() < 0.5;
}
