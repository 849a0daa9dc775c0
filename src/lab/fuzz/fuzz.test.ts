import { describe, expect, it } from 'vitest';
import { fuzz, inputOf, reduced, tried } from './fuzz.ts';
import { bytesOf, textOf, type FuzzTarget } from './target.ts';
import { targets } from './targets.ts';

/** Changes with the code when a failure was found by another: `npm run fuzz` takes any. */
const SEED = 15;

describe('mutated inputs give a sound value or an error for the user', () => {
  it.each(targets.map((target) => [target.name, target] as const))('%s', async (_, target) => {
    const { tried: count, failures } = await fuzz(target, { seed: SEED, count: target.quick });
    expect(
      failures.map(({ index, input, error }) => ({ index, error, input: textOf(input.slice(0, 300)) })),
    ).toEqual([]);
    expect(count).toBe(target.quick);
  });

  it.each(targets.map((target) => [target.name, target] as const))(
    '%s: its seeds are accepted',
    async (_, target) => {
      const outcomes = [];
      for (const seed of await target.seeds()) outcomes.push(await tried(target, new Uint8Array(seed)));
      expect(outcomes).toContain('accepted');
    },
  );
});

describe('fuzzing', () => {
  const fragile: FuzzTarget = {
    name: 'fragile',
    text: true,
    quick: 0,
    dictionary: ['boom'],
    seeds: async () => [bytesOf('{"a": 1, "b": "some text"}')],
    run(input) {
      if (textOf(input).includes('boom')) throw new TypeError('not a function');
    },
  };

  it('finds what throws anything but a GraftError, at the same index each time', async () => {
    const first = await fuzz(fragile, { seed: 1, count: 500, maxFailures: 1 });
    const [failure] = first.failures;
    expect(String(failure?.error)).toBe('TypeError: not a function');
    const again = await fuzz(fragile, { seed: 1, from: failure!.index, count: 1 });
    expect(again.failures[0]?.input).toEqual(failure!.input);
    expect(inputOf(fragile, await fragile.seeds(), 1, failure!.index)).toEqual(failure!.input);
    expect(textOf(await reduced(fragile, failure!))).toBe('boom');
  });

  it('finds what takes more memory than its input may', async () => {
    const greedy: FuzzTarget = { ...fragile, run: () => new Uint8Array(400 << 20).fill(1) };
    const [failure] = (await fuzz(greedy, { seed: 1, count: 1 })).failures;
    expect(String(failure?.error)).toMatch(/took \d+ bytes for an input/);
  });
});
