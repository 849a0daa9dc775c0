import { describe, expect, it } from 'vitest';
import type { BatchCompletion } from '../../../content/data/tokens/microBatch.ts';
import { judgeCompletions } from './completionJudge.ts';
import { tokenLoss } from './tokenLoss.ts';
import { tokenShares } from './tokenShares.ts';

describe('the loss of a token', () => {
  const cases: [string, number, number, number | null, number, number][] = [
    ['as it was sampled', -1.2, -1.2, null, 0.7, 0],
    ['likelier, but within the range', -1.1, -1.2, null, 0.7, 0],
    ['too likely, and good', -0.9, -1.2, null, 0.7, 0],
    ['too likely, and bad', -0.9, -1.2, null, -0.7, 0],
    ['too unlikely, and bad', -1.6, -1.2, null, -0.7, 0],
    ['too unlikely, and good', -1.6, -1.2, null, 0.7, 0],
    ['with a reference', -1.1, -1.2, -2.1, 0.7, 0.3],
    ['clipped, with a reference', -0.9, -1.2, -0.3, 0.7, 0.3],
    ['of a group without spread', -1.1, -1.2, -0.3, 0, 0.3],
  ];
  it.each(cases)('has the derivative of its value: %s', (_, logp, sampled, reference, advantage, beta) => {
    const settings = { advantage, epsilon: 0.2, beta };
    const at = (x: number) => tokenLoss(x, sampled, reference, settings).value;
    const step = 1e-6;
    expect(tokenLoss(logp, sampled, reference, settings).slope).toBeCloseTo(
      (at(logp + step) - at(logp - step)) / (2 * step),
      7,
    );
  });

  it('is not pushed further once its probability has moved beyond the range', () => {
    const good = { advantage: 2, epsilon: 0.2, beta: 0 };
    expect(tokenLoss(Math.log(1.5), 0, null, good)).toMatchObject({ value: -2.4, slope: 0, clipped: true });
    expect(tokenLoss(Math.log(0.5), 0, null, good)).toMatchObject({ clipped: false });
    const bad = { ...good, advantage: -2 };
    expect(tokenLoss(Math.log(0.5), 0, null, bad)).toMatchObject({ value: 1.6, slope: 0, clipped: true });
  });

  it('counts k3, which is 0 at the reference and above 0 elsewhere', () => {
    const settings = { advantage: 0, epsilon: 0.2, beta: 1 };
    expect(tokenLoss(-1, -1, -1, settings)).toMatchObject({ value: 0, kl: 0 });
    const { kl } = tokenLoss(-1, -1, -1.5, settings);
    expect(kl).toBeCloseTo(Math.exp(-0.5) + 0.5 - 1, 12);
    // Weighed by how much likelier the token has become.
    expect(tokenLoss(-1, -1.2, -1.5, settings).kl).toBeCloseTo(kl * Math.exp(0.2), 12);
  });
});

describe('the shares of tokens', () => {
  const lengths = [
    [2, 4],
    [1, 3],
  ];
  const of = (loss_type: 'grpo' | 'bnpo' | 'dr_grpo' | 'dapo') =>
    tokenShares(lengths, { loss_type, max_completion_length: 8 });

  it('are those of TRL’s loss types', () => {
    expect(of('grpo')).toEqual([
      [1 / 8, 1 / 16],
      [1 / 4, 1 / 12],
    ]);
    expect(of('bnpo')).toEqual([
      [1 / 12, 1 / 12],
      [1 / 8, 1 / 8],
    ]);
    expect(of('dr_grpo').flat()).toEqual([1 / 32, 1 / 32, 1 / 32, 1 / 32]);
    expect(of('dapo').flat()).toEqual([0.1, 0.1, 0.1, 0.1]);
  });

  it('sum to 1 over all tokens, but for dr_grpo', () => {
    for (const type of ['grpo', 'bnpo', 'dapo'] as const) {
      const shares = of(type);
      const sum = lengths.flatMap((batch, i) => batch.map((length, j) => length * shares[i]![j]!));
      expect(sum.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    }
  });
});

describe('a micro-batch of completions', () => {
  const completion = (start: number, end: number, advantage: number): BatchCompletion => ({
    start,
    end,
    advantage,
    tokenShare: 0.25,
    known: { sampled: null, reference: null },
  });

  it('remembers the log-probabilities of its first pass, from which ratios are taken later', () => {
    const completions = [completion(0, 2, 1), completion(2, 3, -1)];
    const batch = { completions, targetRows: new Uint32Array(3) };
    const settings = { beta: 0, epsilon: 0.2 };
    const first = judgeCompletions(batch, Float32Array.of(1, 2, 3), settings);
    expect(first.loss).toBeCloseTo(-0.25, 12);
    expect([...first.weights]).toEqual([0.25, 0.25, -0.25]);
    expect(completions.map(({ known }) => [...known.sampled!])).toEqual([[-1, -2], [-3]]);
    const second = judgeCompletions(batch, Float32Array.of(0.5, 2.1, 3.5), settings);
    // The first token is too likely by now, the last too unlikely.
    expect([second.weights[0]!, second.weights[2]!].map(Math.abs)).toEqual([0, 0]);
    expect(second.weights[1]).toBeCloseTo(0.25 * Math.exp(-0.1), 6);
    expect(second.sums).toEqual({ tokens: 3, kl: 0, clipped: 2 });
  });
});
