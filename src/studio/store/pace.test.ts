import { expect, it } from 'vitest';
import { firstStepOf, type Pace } from './pace.ts';

const key = (device: string, parameters: number, method = 'lora') =>
  JSON.stringify([device, `model of ${parameters}`, parameters, method, 'f32', 0]);
const pace = (of: string, firstStepSeconds?: number): Pace => ({
  of,
  tokensPerSecond: 100,
  firstStepSeconds,
});

it.each([
  ['nothing was measured', [], null],
  ['as last time', [pace(key('a', 100), 7)], 7],
  ['an older record without it', [pace(key('a', 100))], null],
  ['a larger model: at least as long', [pace(key('a', 50), 4)], 8],
  ['a smaller model compiles as much', [pace(key('a', 400), 4)], 4],
  ['the same model by another method', [pace(key('a', 100, 'qlora'), 5)], 5],
  ['another device says nothing', [pace(key('b', 100), 4)], null],
])('time to the first step: %s', (_, paces, seconds) => {
  expect(firstStepOf(paces, key('a', 100))).toBe(seconds);
});
