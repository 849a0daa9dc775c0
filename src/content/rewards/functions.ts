import { GraftError } from '../../base/lib/errors.ts';

/*
 * Rewards that are functions of the user's, in JavaScript: (text, row) => a number, or nothing for no opinion. They run
 * apart from everything else, where the host has such a place.
 */

/** A function of a recipe. */
export interface RewardFunction {
  /** What its reward is called. */
  name: string;
  /** An expression whose value is the function. */
  source: string;
  /** How long it may take for a completion. */
  seconds: number;
}

/** What a function is called with: the text, and an object of all that is known beside it. */
export interface FunctionInput {
  text: string;
  row: {
    /** The reference answer; null without one. */
    answer: string | null;
    /** The columns of the row. */
    columns: Record<string, unknown>;
    /** Tokens of the completion, and whether it ended by itself. */
    tokens: number;
    ended: boolean;
  };
}

/** What came of a call. */
export type FunctionResult =
  /** A finite number. */
  | { kind: 'value'; value: number }
  /** Anything else: it has no opinion. */
  | { kind: 'nothing' }
  /** It threw. */
  | { kind: 'threw'; message: string }
  /** It is no function, or was ended since it took too long. */
  | { kind: 'broken'; message: string };

/** Functions that are ready to be called. */
export interface RewardFunctions {
  /** [completions][functions] Throws `train.reward_failed`. */
  score(inputs: readonly FunctionInput[]): Promise<(number | null)[][]>;
  /** Ends what runs them. */
  end(): void;
}

/**
 * The rewards of some completions by a function. One that throws has no opinion of that completion; one that is broken, or
 * that throws for every completion, is an error. @returns a message in place of rewards
 */
function rewardsOf(results: readonly FunctionResult[]): (number | null)[] | string {
  const broken = results.find((result) => result.kind === 'broken');
  if (broken) return broken.message;
  const [first] = results;
  if (first?.kind === 'threw' && results.every(({ kind }) => kind === 'threw'))
    return `it throws for every answer: ${first.message}`;
  return results.map((result) => (result.kind === 'value' ? result.value : null));
}

/**
 * [completions][functions] The rewards of some completions by functions. Throws `train.reward_failed`.
 * @param columns the results of each function
 */
export function rewardTable(
  functions: readonly Pick<RewardFunction, 'name'>[],
  columns: readonly (readonly FunctionResult[])[],
): (number | null)[][] {
  const rewards = functions.map(({ name }, i) => {
    const found = rewardsOf(columns[i]!);
    if (typeof found === 'string') throw new GraftError('train.reward_failed', { name, detail: found });
    return found;
  });
  const [first = []] = rewards;
  return first.map((_, row) => rewards.map((own) => own[row]!));
}
