import { describe, expect, it } from 'vitest';
import { createRandom } from '../../base/lib/random.ts';
import { tokenChances } from './tokenChances.ts';

describe('chances of tokens', () => {
  it('are the softmax of the logits, the likeliest first', () => {
    const logits = Float32Array.from([0.25, 0.5, 0.125, 0.125], Math.log);
    const { p, likeliest } = tokenChances(logits, 2, 3);
    expect(p).toBeCloseTo(0.125, 6);
    expect(likeliest.map(({ id }) => id)).toEqual([1, 0, 2]);
    likeliest.forEach((one, i) => expect(one.p).toBeCloseTo([0.5, 0.25, 0.125][i]!, 6));
  });

  it('are those of a plain sort, for large and equal logits, too', () => {
    const random = createRandom(3);
    const logits = Float32Array.from({ length: 301 }, () => 1000 + Math.round(4 * random.normal()));
    const sorted = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]! || a - b);
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit - 1000), 0);
    const { p, likeliest } = tokenChances(logits, 7, 12);
    expect(likeliest.map(({ id }) => id)).toEqual(sorted.slice(0, 12));
    expect(p).toBeCloseTo(Math.exp(logits[7]! - 1000) / total, 12);
    for (const one of likeliest) expect(one.p).toBeCloseTo(Math.exp(logits[one.id]! - 1000) / total, 12);
  });

  it('has no more of the likeliest than there are tokens', () => {
    expect(tokenChances(Float32Array.of(0), 0, 5)).toEqual({ p: 1, likeliest: [{ id: 0, p: 1 }] });
  });
});
