import { expect, it } from 'vitest';
import { caught } from '../../testing/errors.ts';
import { ahead } from './ahead.ts';

/** Yields numbers, and records how many were produced and whether it was closed. */
function counter(until: number, failAt = Infinity) {
  const seen = { made: 0, ended: false };
  async function* numbers() {
    try {
      for (let i = 0; i < until; i++) {
        if (i === failAt) throw new Error('broken');
        seen.made += 1;
        yield i;
      }
    } finally {
      seen.ended = true;
    }
  }
  return { seen, numbers: numbers() };
}

it('yields everything in order, producing at most the given number ahead', async () => {
  const { seen, numbers } = counter(10);
  const got: number[] = [];
  for await (const i of ahead(numbers, 2)) {
    await new Promise((resolve) => setTimeout(resolve));
    got.push(i);
    expect(seen.made).toBe(Math.min(10, i + 3));
  }
  expect(got).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

it('throws a failure after the items before it, and closes its source on early exit', async () => {
  const failing = counter(10, 4);
  const got: number[] = [];
  const error = await caught(async () => {
    for await (const i of ahead(failing.numbers)) got.push(i);
  });
  expect(error).toMatchObject({ message: 'broken' });
  expect(got).toEqual([0, 1, 2, 3]);
  const left = counter(10);
  for await (const i of ahead(left.numbers)) if (i === 3) break;
  expect(left.seen.ended).toBe(true);
  expect(left.seen.made).toBeLessThan(8);
});
