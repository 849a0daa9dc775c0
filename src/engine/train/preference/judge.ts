import type { PreferenceObjectiveName, Recipe } from '../../../base/config/recipe.ts';
import { assert } from '../../../base/lib/errors.ts';
import { meanOf, type AnswerLogps, type Judgment } from './answers.ts';
import { likelihoodWeight, pairLosses, type PairSettings } from './pairLosses.ts';
import { sigmoid } from './scalars.ts';

/** A recipe's settings for it. */
export type ObjectiveSettings = PairSettings &
  Pick<Recipe, 'desirable_weight' | 'undesirable_weight'> & { objective: PreferenceObjectiveName };

/** Log-probabilities of KTO's mismatched answers, by the model and by the reference. */
export interface MismatchedLogps {
  logps: readonly number[];
  references: readonly number[];
}

/** The objective of a recipe; null where it does not train on preferences. */
export function objectiveOf(recipe: Recipe): ObjectiveSettings | null {
  const { objective } = recipe;
  return objective === 'sft' || objective === 'grpo' ? null : { ...recipe, objective };
}

/** Whether it compares with a reference model. */
export function hasReference({ objective }: Pick<ObjectiveSettings, 'objective'>): boolean {
  return objective === 'dpo' || objective === 'kto';
}

/** The mean loss of a micro-batch of pairs, and its derivatives. */
export function judgePairs(settings: ObjectiveSettings, answers: readonly AnswerLogps[]): Judgment {
  const { objective } = settings;
  assert(objective !== 'kto', 'answers of KTO are no pairs');
  const pairs = answers.length / 2;
  const losses = Array.from({ length: pairs }, (_, i) =>
    pairLosses[objective](answers[2 * i]!, answers[2 * i + 1]!, settings),
  );
  const likelihood = likelihoodOf(settings, answers);
  const rewards = losses.map((loss) => loss.rewards);
  return {
    loss: meanOf(losses.map(({ value }) => value))! + likelihood.loss,
    slopes: losses.flatMap(({ chosen, rejected }) => [chosen / pairs + likelihood.slope, rejected / pairs]),
    promptSlope: likelihood.slope,
    rewards: {
      chosen: meanOf(rewards.map(({ chosen }) => chosen)),
      rejected: meanOf(rewards.map(({ rejected }) => rejected)),
      margin: meanOf(rewards.map(({ chosen, rejected }) => chosen - rejected)),
      accuracy: meanOf(rewards.map(({ chosen, rejected }) => Number(chosen > rejected))),
    },
  };
}

/** The cross-entropy of better answers, a mean over all their tokens, with its weight in the loss. */
function likelihoodOf(
  settings: ObjectiveSettings,
  answers: readonly AnswerLogps[],
): { loss: number; slope: number } {
  const weight = likelihoodWeight(settings);
  if (weight === 0) return { loss: 0, slope: 0 };
  let [logp, tokens] = [0, 0];
  for (let i = 0; i < answers.length; i += 2) {
    logp += answers[i]!.logp + answers[i]!.promptLogp;
    tokens += answers[i]!.tokens + answers[i]!.promptTokens;
  }
  return { loss: (-weight * logp) / tokens, slope: -weight / tokens };
}

/**
 * KTO's mean loss over a micro-batch of answers that are good or bad, and its derivatives. What an answer is measured
 * against is how far the model has moved from the reference, estimated on prompts with other prompts' answers; that has no
 * gradient.
 */
export function judgeLabeled(
  { beta, desirable_weight, undesirable_weight }: ObjectiveSettings,
  answers: readonly AnswerLogps[],
  good: readonly boolean[],
  { logps, references }: MismatchedLogps,
): Judgment {
  const moved = Math.max(0, meanOf(logps.map((logp, i) => logp - references[i]!)) ?? 0);
  const ratios = answers.map(({ logp, reference }) => logp - reference);
  const losses = ratios.map((ratio, i) => {
    const [sign, weight] = good[i] ? [1, desirable_weight] : [-1, undesirable_weight];
    const value = sigmoid(sign * beta * (ratio - moved));
    return { value: weight * (1 - value), slope: -weight * sign * beta * value * (1 - value) };
  });
  const rewardOf = (isGood: boolean) =>
    meanOf(ratios.flatMap((ratio, i) => (good[i] === isGood ? beta * ratio : [])));
  const [chosen, rejected] = [rewardOf(true), rewardOf(false)];
  return {
    loss: meanOf(losses.map(({ value }) => value))!,
    slopes: losses.map(({ slope }) => slope / answers.length),
    promptSlope: 0,
    rewards: {
      chosen,
      rejected,
      margin: chosen === null || rejected === null ? null : chosen - rejected,
      accuracy: null,
    },
  };
}
