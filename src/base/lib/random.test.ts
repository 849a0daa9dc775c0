import { expect, test } from 'vitest';
import { createRandom, shuffle } from './random.ts';

test('the same seed gives the same numbers, another seed others', () => {
  const draw = (seed: number) =>
    Array.from({ length: 8 }, (_, i) => i && createRandom(seed).fork(i).uint32());
  expect(draw(7)).toEqual(draw(7));
  const seen = new Set<number>();
  for (const seed of [0, 1, 2, -1, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 52])
    seen.add(createRandom(seed).next());
  expect(seen.size).toBe(8);
});

test('the stream of seed 42 never changes (runs are reproduced from recipes)', () => {
  const random = createRandom(42);
  expect([random.uint32(), random.uint32(), random.uint32()]).toEqual([444532918, 1096302405, 3932150484]);
});

test('a fork does not depend on earlier draws', () => {
  const fresh = createRandom(3);
  const used = createRandom(3);
  for (let i = 0; i < 5; i++) used.normal();
  expect(used.fork('dropout').next()).toBe(fresh.fork('dropout').next());
  expect(fresh.fork('a').next()).not.toBe(fresh.fork('b').next());
  expect(fresh.fork(1).next()).not.toBe(fresh.fork('1').next());
});

test('uniform and normal have the right moments', () => {
  const random = createRandom(1);
  const n = 200_000;
  let sum = 0;
  let sumNormal = 0;
  let squares = 0;
  const bits = new Array<number>(32).fill(0);
  for (let i = 0; i < n; i++) {
    sum += random.next();
    const z = random.normal();
    sumNormal += z;
    squares += z * z;
    const word = random.uint32();
    for (let b = 0; b < 32; b++) bits[b]! += (word >>> b) & 1;
  }
  expect(Math.abs(sum / n - 0.5)).toBeLessThan(0.004);
  expect(Math.abs(sumNormal / n)).toBeLessThan(0.01);
  expect(Math.abs(squares / n - 1)).toBeLessThan(0.02);
  for (const count of bits) expect(Math.abs(count / n - 0.5)).toBeLessThan(0.006);
});

test('below is uniform and shuffle a permutation', () => {
  const random = createRandom(9);
  const counts = new Array<number>(7).fill(0);
  for (let i = 0; i < 70_000; i++) counts[random.below(7)]!++;
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  const items = shuffle(
    Array.from({ length: 100 }, (_, i) => i),
    random,
  );
  expect([...items].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  expect(items).not.toEqual([...items].sort((a, b) => a - b));
});
