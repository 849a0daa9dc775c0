import { describe, expect, it } from 'vitest';
import type { CurveRecord } from '../../hosts/browser/protocol.ts';
import { comparedCurves } from './comparedCurves.ts';

/** Steps two seconds apart. */
function steps(losses: Record<number, number>): CurveRecord[] {
  return Object.entries(losses).map(([step, loss]) => ({
    kind: 'step',
    step: Number(step),
    at: 2000 * Number(step),
    loss,
    gradNorm: 10 * loss,
    lr: loss / 1000,
    tokens: 1,
    contextTokens: 8,
    skipped: false,
  }));
}

describe('comparedCurves', () => {
  const short = steps({ 1: 4, 2: 4 });
  const long: CurveRecord[] = [...steps({ 2: 3, 3: 3, 4: 3 }), { kind: 'eval', step: 4, at: 1, loss: 7 }];

  it.each([
    ['smoothed', 'step', [1, 2, 3, 4], [4, 4, undefined, undefined], [undefined, 3, 3, 3], [4, 3]],
    ['gradNorm', 'step', [1, 2, 3, 4], [40, 40, undefined, undefined], [undefined, 30, 30, 30], [40, 30]],
    [
      'lr',
      'step',
      [1, 2, 3, 4],
      [4e-3, 4e-3, undefined, undefined],
      [undefined, 3e-3, 3e-3, 3e-3],
      [4e-3, 3e-3],
    ],
    ['evaluation', 'step', [4], [undefined], [7], [NaN, 7]],
    [
      'tokensPerSecond',
      'step',
      [1, 2, 3, 4],
      [null, 4, undefined, undefined],
      [undefined, null, 4, 4],
      [4, 4],
    ],
    // Each from its own first step.
    ['smoothed', 'time', [0, 2, 4], [4, 4, undefined], [3, 3, 3], [4, 3]],
  ] as const)('aligns %s by %s', (metric, axis, places, one, two, last) => {
    const compared = comparedCurves([short, long], metric, axis);
    expect(compared.columns).toEqual([places, one, two]);
    expect(compared.last).toEqual(last);
  });

  it('counts no pause as time', () => {
    const paused: CurveRecord[] = [
      ...steps({ 1: 4, 2: 4 }),
      { kind: 'resumed', step: 2, at: 50_000 },
      { ...steps({ 3: 4 })[0]!, at: 60_000 },
      { ...steps({ 4: 4 })[0]!, at: 63_000 },
    ];
    // The step after the resume begins where the run was left.
    expect(comparedCurves([paused], 'lr', 'time').columns[0]).toEqual([0, 2, 5]);
  });
});
