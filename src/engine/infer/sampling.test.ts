import { describe, expect, it } from 'vitest';
import { createRandom } from '../../base/lib/random.ts';
import { argmax, penalizeRepetition, sample } from './sampling.ts';

const logits = Float32Array.of(1, 3, 2, -1, 3);
const all = { temperature: 1, topK: 0, topP: 1 };

function frequencies(options: typeof all, draws = 20_000): number[] {
  const random = createRandom(7);
  const counts = logits.map(() => 0);
  for (let i = 0; i < draws; i++) counts[sample(logits, options, random)]! += 1;
  return Array.from(counts, (n) => n / draws);
}

function softmax(values: Float32Array, temperature: number): number[] {
  const weights = Array.from(values, (v) => Math.exp(v / temperature));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / total);
}

describe('sample', () => {
  it('is greedy at temperature 0, ties to the lower id', () => {
    expect(argmax(logits)).toBe(1);
    expect(sample(logits, { ...all, temperature: 0 }, createRandom(1))).toBe(1);
  });

  it.each([0.5, 1, 2])('samples from the softmax at temperature %d', (temperature) => {
    const expected = softmax(logits, temperature);
    frequencies({ ...all, temperature }).forEach((f, id) =>
      expect(Math.abs(f - expected[id]!)).toBeLessThan(0.015),
    );
  });

  it('restricts to the k likeliest tokens', () => {
    const [a, b, c, d, e] = frequencies({ ...all, topK: 3 });
    expect([a, d]).toEqual([0, 0]);
    expect(b! + c! + e!).toBeCloseTo(1);
  });

  it('restricts to the smallest set that reaches p', () => {
    // Two tokens at 0.39 each reach 0.7; the third, at 0.14, is cut.
    const [a, b, c, d, e] = frequencies({ ...all, topP: 0.7 });
    expect([a, c, d]).toEqual([0, 0, 0]);
    expect(b! + e!).toBeCloseTo(1);
  });

  it('is deterministic for a seed', () => {
    const draw = () => {
      const random = createRandom(3);
      return Array.from({ length: 20 }, () => sample(logits, all, random));
    };
    expect(draw()).toEqual(draw());
  });

  it('handles huge logits', () => {
    expect(sample(Float32Array.of(-1e4, 1e4, 0), all, createRandom(1))).toBe(1);
  });
});

describe('the repetition penalty', () => {
  it('divides positive and multiplies negative logits of known tokens, as transformers does', () => {
    const penalized = Float32Array.of(2, -2, 3, 0);
    penalizeRepetition(penalized, [0, 1, 3], 2);
    expect([...penalized]).toEqual([1, -4, 3, 0]);
  });
});
