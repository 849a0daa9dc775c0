import type { Recipe } from '../../../base/config/recipe.ts';
import type { AnswerLogps } from './answers.ts';
import { hinge, logOdds, logSigmoid, smoothedLogistic, type Sloped } from './scalars.ts';

/** The settings of a pair's loss. */
export type PairSettings = Pick<
  Recipe,
  'objective' | 'dpo_loss' | 'beta' | 'label_smoothing' | 'simpo_gamma' | 'cpo_alpha' | 'orpo_lambda'
>;

/** A pair's loss, and its derivatives with respect to the log-probability of each token of either answer. */
export interface PairLoss {
  value: number;
  chosen: number;
  rejected: number;
  /** What the objective counts as the rewards of the answers. */
  rewards: { chosen: number; rejected: number };
}

type Loss = (chosen: AnswerLogps, rejected: AnswerLogps, settings: PairSettings) => PairLoss;

/** The losses of pairs, by objective, as TRL 1.16 has them. */
export const pairLosses: Readonly<Record<'dpo' | 'cpo' | 'simpo' | 'orpo', Loss>> = {
  dpo(chosen, rejected, settings) {
    const { beta, dpo_loss: kind } = settings;
    const ratios = [chosen, rejected].map(({ logp, reference }) => logp - reference) as [number, number];
    const rewards = { chosen: beta * ratios[0], rejected: beta * ratios[1] };
    // IPO takes means over tokens: its squares would grow with the length of answers.
    const counts = kind === 'ipo' ? ([chosen.tokens, rejected.tokens] as const) : ([1, 1] as const);
    const { value, slope } = dpoLosses[kind](ratios[0] / counts[0] - ratios[1] / counts[1], settings);
    return { value, chosen: slope / counts[0], rejected: -slope / counts[1], rewards };
  },

  cpo(chosen, rejected, { beta, label_smoothing: epsilon }) {
    const { value, slope } = smoothedLogistic(beta * (chosen.logp - rejected.logp), epsilon);
    const rewards = { chosen: beta * chosen.logp, rejected: beta * rejected.logp };
    return { value, chosen: slope * beta, rejected: -slope * beta, rewards };
  },

  simpo(chosen, rejected, { beta, label_smoothing: epsilon, simpo_gamma: gamma }) {
    const [better, worse] = [chosen.logp / chosen.tokens, rejected.logp / rejected.tokens];
    const { value, slope } = smoothedLogistic(beta * (better - worse) - gamma, epsilon);
    return {
      value,
      chosen: (slope * beta) / chosen.tokens,
      rejected: (-slope * beta) / rejected.tokens,
      rewards: { chosen: beta * better, rejected: beta * worse },
    };
  },

  orpo(chosen, rejected, { orpo_lambda: lambda }) {
    const [better, worse] = [chosen.logp / chosen.tokens, rejected.logp / rejected.tokens];
    const [odds, otherOdds] = [logOdds(better), logOdds(worse)];
    const { value, slope } = logSigmoid(odds.value - otherOdds.value);
    return {
      value: -lambda * value,
      chosen: (-lambda * slope * odds.slope) / chosen.tokens,
      rejected: (lambda * slope * otherOdds.slope) / rejected.tokens,
      rewards: { chosen: lambda * better, rejected: lambda * worse },
    };
  },
};

/** DPO's losses of how much more the model has come to prefer the better answer than the reference does. */
const dpoLosses: Readonly<
  Record<Recipe['dpo_loss'], (difference: number, settings: PairSettings) => Sloped>
> = {
  sigmoid: (difference, { beta }) => scaled(smoothedLogistic(beta * difference, 0), 1, beta),
  hinge: (difference, { beta }) => scaled(hinge(beta * difference), 1, beta),
  ipo(difference, { beta }) {
    const error = difference - 1 / (2 * beta);
    return { value: error ** 2, slope: 2 * error };
  },
  // Of the label and of its flip, weighed so that the mean over labels flipped with probability ε is that of clean ones.
  robust(difference, { beta, label_smoothing: epsilon }) {
    const [clean, flipped] = [logSigmoid(beta * difference), logSigmoid(-beta * difference)];
    const sum = {
      value: -(1 - epsilon) * clean.value + epsilon * flipped.value,
      slope: -(1 - epsilon) * clean.slope - epsilon * flipped.slope,
    };
    return scaled(sum, 1 / (1 - 2 * epsilon), beta);
  },
};

/** `factor` · f(`inner` · x). */
function scaled({ value, slope }: Sloped, factor: number, inner: number): Sloped {
  return { value: factor * value, slope: factor * slope * inner };
}

/** What the likelihood of better answers counts beside the pairs' losses. */
export function likelihoodWeight({ objective, cpo_alpha }: PairSettings): number {
  if (objective === 'cpo') return cpo_alpha;
  return objective === 'orpo' ? 1 : 0;
}
