import type { RewardDefinition } from '../../../base/config/rewards.ts';

/** A function of a recipe's that the user is asked about. */
export interface AskedFunction {
  /** What its reward is called. */
  name: string;
  source: string;
}

export interface FunctionsSlice {
  /** The function that the user is asked about; the others wait. */
  askedFunction: AskedFunction | null;
  /** Whether a function may run: the user is asked once for each text. */
  allowFunction(asked: AskedFunction): Promise<boolean>;
  /** The same for all functions of a recipe's rewards, up to the first refusal. */
  allowRewards(rewards: readonly RewardDefinition[]): Promise<boolean>;
  answerFunction(yes: boolean): void;
}
