import { describe, expect, it } from 'vitest';
import { bestEvaluation, extentOf, placeMarks, type MarkKind, type RunMark } from './runMarks.ts';

const marks = (given: Record<number, MarkKind>): RunMark[] =>
  Object.entries(given).map(([step, kind]) => ({ step: Number(step), kind }));
/** An axis of 100 steps on 200 pixels, words of 40 pixels. */
const place = (given: RunMark[]) =>
  placeMarks(
    given,
    (step) => (step > 100 ? null : 2 * step),
    200,
    () => 40,
  ).map(({ x, kind, marks: { length }, worded }) => [x, kind, length, worded]);

describe('placeMarks', () => {
  it.each([
    [
      'far apart, all in words',
      marks({ 20: 'saved', 60: 'resumed' }),
      [
        [40, 'saved', 1, true],
        [120, 'resumed', 1, true],
      ],
    ],
    [
      'near ones are one, called by what matters most',
      marks({ 20: 'saved', 22: 'lost', 23: 'resumed' }),
      [[40, 'lost', 3, true]],
    ],
    [
      'no room: what matters most has the words',
      marks({ 20: 'saved', 30: 'best' }),
      [
        [40, 'saved', 1, false],
        [60, 'best', 1, true],
      ],
    ],
    ['out of view', marks({ 20: 'saved', 120: 'lost' }), [[40, 'saved', 1, true]]],
    ['none', [], []],
  ])('%s', (_, given, expected) => {
    expect(place(given)).toEqual(expected);
  });
});

it.each([
  [0, [0, 40]],
  [100, [80, 120]],
  [200, [160, 200]],
])('words at %i pixels stay on the axis', (x, expected) => {
  expect(extentOf(x, 40, 200)).toEqual(expected);
});

it.each([
  [
    'the lowest after training began',
    [
      [0, 1],
      [10, 3],
      [20, 2],
      [30, 4],
    ],
    20,
  ],
  [
    'the first of two equal ones',
    [
      [10, 2],
      [20, 2],
    ],
    10,
  ],
  [
    'one alone is no choice',
    [
      [0, 9],
      [10, 2],
    ],
    null,
  ],
  [
    'what is no number is not the lowest',
    [
      [10, NaN],
      [20, 5],
      [30, 6],
    ],
    20,
  ],
] as [string, [number, number][], number | null][])('best evaluation: %s', (_, given, step) => {
  expect(bestEvaluation(given.map(([at, loss]) => ({ step: at, loss })))?.step ?? null).toBe(step);
});
