import { describe, expect, it } from 'vitest';
import { defaultRecipe, type Recipe } from '../../../base/config/recipe.ts';
import { createRandom } from '../../../base/lib/random.ts';
import type { AnswerLogps, Judgment } from './answers.ts';
import { judgeLabeled, judgePairs, objectiveOf, type ObjectiveSettings } from './judge.ts';

/*
 * Expected losses are written out here as their papers have them, without the rearrangements that keep them exact in
 * extremes; derivatives are compared with differences of losses.
 */

const settingsOf = (changes: Partial<Recipe>): ObjectiveSettings =>
  objectiveOf({ ...defaultRecipe(), ...changes })!;

/** Four answers, or two pairs. */
function randomAnswers(seed: number): AnswerLogps[] {
  const random = createRandom(seed);
  return Array.from({ length: 4 }, (_, i) => {
    const tokens = 1 + random.below(9);
    const logp = -tokens * (0.1 + 3 * random.next());
    const promptTokens = i % 2 === 0 ? 3 : 0;
    return {
      logp,
      tokens,
      reference: logp + 4 * random.next() - 2,
      promptLogp: -promptTokens * 1.5,
      promptTokens,
    };
  });
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const pairsOf = (answers: AnswerLogps[]) =>
  [0, 2].map((i) => [answers[i]!, answers[i + 1]!] as [AnswerLogps, AnswerLogps]);
const meanLoss = (answers: AnswerLogps[], of: (better: AnswerLogps, worse: AnswerLogps) => number) =>
  mean(pairsOf(answers).map(([better, worse]) => of(better, worse)));
const average = ({ logp, tokens }: AnswerLogps) => logp / tokens;
const ratio = ({ logp, reference }: AnswerLogps) => logp - reference;

const cases: [string, Partial<Recipe>, (answers: AnswerLogps[]) => number][] = [
  [
    'DPO',
    { objective: 'dpo', beta: 0.3 },
    (answers) => meanLoss(answers, (b, w) => -Math.log(sigmoid(0.3 * (ratio(b) - ratio(w))))),
  ],
  [
    'DPO with the hinge loss',
    { objective: 'dpo', dpo_loss: 'hinge', beta: 0.7 },
    (answers) => meanLoss(answers, (b, w) => Math.max(0, 1 - 0.7 * (ratio(b) - ratio(w)))),
  ],
  [
    'IPO',
    { objective: 'dpo', dpo_loss: 'ipo', beta: 0.2 },
    (answers) => meanLoss(answers, (b, w) => (ratio(b) / b.tokens - ratio(w) / w.tokens - 2.5) ** 2),
  ],
  [
    'robust DPO',
    { objective: 'dpo', dpo_loss: 'robust', beta: 0.3, label_smoothing: 0.2 },
    (answers) =>
      meanLoss(answers, (b, w) => {
        const x = 0.3 * (ratio(b) - ratio(w));
        return (-0.8 * Math.log(sigmoid(x)) + 0.2 * Math.log(sigmoid(-x))) / 0.6;
      }),
  ],
  [
    'CPO',
    { objective: 'cpo', beta: 0.3, cpo_alpha: 0.5, label_smoothing: 0.1 },
    (answers) => {
      const better = pairsOf(answers).map(([one]) => one);
      const nll =
        -better.reduce((sum, one) => sum + one.logp, 0) / better.reduce((n, one) => n + one.tokens, 0);
      const pairs = meanLoss(answers, (b, w) => {
        const x = 0.3 * (b.logp - w.logp);
        return -0.9 * Math.log(sigmoid(x)) - 0.1 * Math.log(sigmoid(-x));
      });
      return pairs + 0.5 * nll;
    },
  ],
  [
    'SimPO',
    { objective: 'simpo', beta: 2, simpo_gamma: 0.6 },
    (answers) => meanLoss(answers, (b, w) => -Math.log(sigmoid(2 * (average(b) - average(w)) - 0.6))),
  ],
  [
    'ORPO',
    { objective: 'orpo', orpo_lambda: 0.4 },
    (answers) => {
      const better = pairsOf(answers).map(([one]) => one);
      const logp = better.reduce((sum, one) => sum + one.logp + one.promptLogp, 0);
      const tokens = better.reduce((n, one) => n + one.tokens + one.promptTokens, 0);
      const odds = (one: AnswerLogps) => Math.exp(average(one)) / (1 - Math.exp(average(one)));
      return (
        -logp / tokens - 0.4 * meanLoss(answers, (b, w) => Math.log(sigmoid(Math.log(odds(b) / odds(w)))))
      );
    },
  ],
];

/** CPO has no prompt in its likelihood, the others no likelihood. */
const answersFor = (settings: ObjectiveSettings, seed: number) =>
  settings.objective === 'orpo'
    ? randomAnswers(seed)
    : randomAnswers(seed).map((one) => ({ ...one, promptLogp: 0, promptTokens: 0 }));

describe('objectives of pairs', () => {
  it.each(cases)('%s has the loss of its paper', (_, changes, expected) => {
    for (const seed of [1, 2, 3]) {
      const settings = settingsOf(changes);
      const answers = answersFor(settings, seed);
      expect(judgePairs(settings, answers).loss).toBeCloseTo(expected(answers), 12);
    }
  });

  it.each(cases)('%s has the derivatives of its loss', (_, changes) => {
    for (const seed of [4, 5, 6]) {
      const settings = settingsOf(changes);
      const answers = answersFor(settings, seed);
      expectSlopes(answers, (given) => judgePairs(settings, given));
      if (answers[0]!.promptTokens === 0) continue;
      const moved = (by: number) =>
        judgePairs(settings, change(answers, 0, { promptLogp: answers[0]!.promptLogp + by })).loss;
      expect(judgePairs(settings, answers).promptSlope).toBeCloseTo((moved(1e-5) - moved(-1e-5)) / 2e-5, 7);
    }
  });

  it('are exact where a sigmoid rounds to 0 or 1', () => {
    const settings = settingsOf({ objective: 'dpo', beta: 1 });
    const pair = (logp: number): AnswerLogps[] => [
      { logp, tokens: 4, reference: 0, promptLogp: 0, promptTokens: 0 },
      { logp: 0, tokens: 4, reference: 0, promptLogp: 0, promptTokens: 0 },
    ];
    expect(judgePairs(settings, pair(-800))).toMatchObject({ loss: 800, slopes: [-1, 1] });
    expect(judgePairs(settings, pair(800))).toMatchObject({ loss: 0 });
    expect(judgePairs(settings, pair(-1e-9)).loss).toBeCloseTo(Math.LN2, 8);
  });

  it('report rewards, margin and accuracy', () => {
    const answers = [-2, -3, -8, -4].map((logp) => ({
      logp,
      tokens: 2,
      reference: -5,
      promptLogp: 0,
      promptTokens: 0,
    }));
    const { rewards } = judgePairs(settingsOf({ objective: 'dpo', beta: 0.1 }), answers);
    expect(rewards.chosen).toBeCloseTo(0.1 * mean([3, -3]), 12);
    expect(rewards.rejected).toBeCloseTo(0.1 * mean([2, 1]), 12);
    expect(rewards.margin).toBeCloseTo(0.1 * mean([1, -4]), 12);
    expect(rewards.accuracy).toBe(0.5);
    // Those of ORPO and SimPO are means over tokens, of ORPO by its own weight.
    expect(judgePairs(settingsOf({ objective: 'simpo', beta: 2 }), answers).rewards.chosen).toBeCloseTo(
      -5,
      12,
    );
    expect(
      judgePairs(settingsOf({ objective: 'orpo', orpo_lambda: 0.5 }), answers).rewards.chosen,
    ).toBeCloseTo(-1.25, 12);
  });
});

describe('KTO', () => {
  const settings = settingsOf({
    objective: 'kto',
    beta: 0.3,
    desirable_weight: 1.5,
    undesirable_weight: 0.7,
  });
  const good = [true, false, false, true];
  const mismatched = { logps: [-4, -5, -6, -1], references: [-5, -5, -7, -2] };

  it('has the loss of its paper and its derivatives', () => {
    for (const seed of [1, 2, 3]) {
      const answers = randomAnswers(seed);
      const kl = 0.75;
      const losses = answers.map((one, i) =>
        good[i] ? 1.5 * (1 - sigmoid(0.3 * (ratio(one) - kl))) : 0.7 * (1 - sigmoid(0.3 * (kl - ratio(one)))),
      );
      expect(judgeLabeled(settings, answers, good, mismatched).loss).toBeCloseTo(mean(losses), 12);
      expectSlopes(answers, (given) => judgeLabeled(settings, given, good, mismatched));
    }
  });

  it('takes no negative distance from the reference', () => {
    const answers = randomAnswers(7);
    const closer = { logps: [-9, -9], references: [-2, -2] };
    const none = { logps: [-2, -2], references: [-2, -2] };
    expect(judgeLabeled(settings, answers, good, closer)).toEqual(
      judgeLabeled(settings, answers, good, none),
    );
  });

  it('has no reward of answers that a micro-batch lacks', () => {
    const { rewards } = judgeLabeled(settings, randomAnswers(1), [true, true, true, true], mismatched);
    expect(rewards).toMatchObject({ rejected: null, margin: null, accuracy: null });
    expect(rewards.chosen).not.toBeNull();
  });
});

function change(answers: AnswerLogps[], at: number, changes: Partial<AnswerLogps>): AnswerLogps[] {
  return answers.map((one, i) => (i === at ? { ...one, ...changes } : one));
}

function expectSlopes(answers: AnswerLogps[], judge: (answers: AnswerLogps[]) => Judgment): void {
  const { slopes } = judge(answers);
  expect(slopes).toHaveLength(answers.length);
  answers.forEach(({ logp }, i) => {
    const moved = (by: number) => judge(change(answers, i, { logp: logp + by })).loss;
    const expected = (moved(1e-5) - moved(-1e-5)) / 2e-5;
    expect(Math.abs(slopes[i]! - expected)).toBeLessThan(1e-8 + 1e-6 * Math.abs(expected));
  });
}
