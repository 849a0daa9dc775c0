/*
 * What preference training knows of a micro-batch, and what it makes of it. Log-probabilities are natural logarithms; a
 * pair is two neighbors, its better answer first.
 */

/** The log-probabilities of an answer. */
export interface AnswerLogps {
  /** Σ log p over the tokens of the answer, and their number. */
  logp: number;
  tokens: number;
  /** Σ log p over them by the reference model; 0 for objectives without one. */
  reference: number;
  /** Σ log p over the trained tokens of its prompt, and their number: ORPO trains those of better answers. */
  promptLogp: number;
  promptTokens: number;
}

/**
 * Rewards of a micro-batch or step, as TRL logs them: means over its answers. Null where there is no such answer, and the
 * accuracy where answers are no pairs.
 */
export interface Rewards {
  chosen: number | null;
  rejected: number | null;
  /** Of chosen over rejected. */
  margin: number | null;
  /** Share of pairs whose better answer has the higher reward. */
  accuracy: number | null;
}

/** What an objective makes of a micro-batch. */
export interface Judgment {
  loss: number;
  /** [answers] ∂loss/∂log p of each token of the answer. */
  slopes: number[];
  /** ∂loss/∂log p of each trained token of a prompt. */
  promptSlope: number;
  rewards: Rewards;
}

/** The mean of each over micro-batches, of those that have it. */
export function meanRewards(all: readonly Rewards[]): Rewards {
  const mean = (key: keyof Rewards) => meanOf(all.flatMap((rewards) => rewards[key] ?? []));
  return {
    chosen: mean('chosen'),
    rejected: mean('rejected'),
    margin: mean('margin'),
    accuracy: mean('accuracy'),
  };
}

/** Null for none. */
export function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
