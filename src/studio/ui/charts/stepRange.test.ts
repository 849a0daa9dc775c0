import { describe, expect, it } from 'vitest';
import { brushed, showing, zoomed, type StepRange } from './stepRange.ts';

const bounds = { from: 1, to: 60 };
const range = (from: number, to: number): StepRange => ({ from, to });

describe('the steps in view', () => {
  it.each([
    ['a brush', 10.2, 29.7, range(10, 30)],
    ['one to the left', 30, 10, range(10, 30)],
    ['one beyond the ends', -5, 20, range(1, 20)],
    ['a click is no brush', 10, 10.4, null],
    ['fewer than four steps are none', 10, 13, null],
    ['all of them are no zoom', 0, 90, null],
  ])('%s', (_, start, end, expected) => {
    expect(brushed(start, end, bounds)).toEqual(expected);
  });

  it('of a run of three steps can be brushed', () => {
    expect(brushed(1, 3, { from: 1, to: 3 })).toBeNull();
    expect(brushed(1, 2, { from: 1, to: 3 })).toBeNull();
  });

  it.each([
    ['nearer around the middle', range(1, 60), 30, 0.5, range(15, 45)],
    ['nearer at the start', range(1, 60), 1, 0.5, range(1, 31)],
    ['nearer at the end', range(1, 60), 60, 0.5, range(30, 60)],
    ['never nearer than four steps', range(10, 15), 12, 0.1, range(10, 14)],
    ['farther, and all again', range(16, 46), 30, 2, null],
    ['farther within the ends', range(50, 60), 60, 2, range(40, 60)],
  ])('%s', (_, view, centre, factor, expected) => {
    expect(zoomed(view, centre, factor, bounds)).toEqual(expected);
  });

  it.each([
    ['a step in view moves nothing', range(10, 20), 20, range(10, 20)],
    ['a step before it', range(10, 20), 5, range(1, 11)],
    ['a step after it', range(10, 20), 40, range(35, 45)],
    ['all are in view', null, 40, null],
  ])('%s', (_, view, step, expected) => {
    expect(showing(view, step, bounds)).toEqual(expected);
  });
});
