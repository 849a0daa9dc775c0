import { expect, it } from 'vitest';
import type { CurveRecord } from '../workers/protocol.ts';
import { comparedCurves } from './comparedCurves.ts';

function steps(losses: Record<number, number>): CurveRecord[] {
  return Object.entries(losses).map(([step, loss]) => ({
    ...{ kind: 'step', step: Number(step), at: 0, loss, gradNorm: 1, lr: 1 },
    ...{ tokens: 1, contextTokens: 1, skipped: false },
  }));
}

it('puts runs of other lengths over the union of their steps', () => {
  const { columns, last } = comparedCurves([steps({ 1: 4, 2: 4 }), steps({ 2: 3, 3: 3, 4: 3 })]);
  expect(columns[0]).toEqual([1, 2, 3, 4]);
  expect(columns[1]).toEqual([4, 4, null, null]);
  expect(columns[2]).toEqual([null, 3, 3, 3]);
  expect(last).toEqual([4, 3]);
});
