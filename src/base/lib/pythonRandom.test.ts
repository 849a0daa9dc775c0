import { expect, it } from 'vitest';
import { PythonRandom } from './pythonRandom.ts';

/** Of CPython 3.11's random.Random(seed).sample(range(count), k), one after the other. */
it.each([
  [1234, [10, 3], [7, 1, 0]],
  [0, [70_000, 5], [50_494, 55_125, 5306, 33_936, 67_013]],
  [4_294_967_295, [2 ** 31, 3], [872_737_089, 924_893_097, 1_251_276_551]],
] as const)('seed %i draws %j as Python does', (seed, [count, k], drawn) => {
  expect(new PythonRandom(seed).sample(count, k)).toEqual(drawn);
});

it('goes on as Python does, from few and from many', () => {
  const random = new PythonRandom(1234);
  const draw = (...[count, k]: [number, number]) => random.sample(count, k);
  expect([draw(10, 3), draw(10, 3), draw(10, 3)]).toEqual([
    [7, 1, 0],
    [1, 0, 9],
    [1, 5, 3],
  ]);
  expect(draw(1000, 6)).toEqual([17, 31, 807, 16, 354, 663]);
  expect(draw(84, 7)).toEqual([79, 61, 78, 59, 19, 11, 23]);
  expect(draw(86, 7)).toEqual([14, 1, 64, 62, 31, 8, 85]);
  expect(draw(1, 1)).toEqual([0]);
});

it('goes on beyond the words of its state', () => {
  const random = new PythonRandom(7);
  for (let i = 0; i < 100; i++) random.sample(30, 30);
  expect(random.sample(30, 12)).toEqual([18, 24, 1, 14, 27, 19, 7, 23, 22, 25, 5, 29]);
});
