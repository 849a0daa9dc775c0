import { expect, it } from 'vitest';
import { rankAt } from './rankSchedule.ts';

it('doubles every so many steps until it is the recipe’s', () => {
  const recipe = { rank: 12, start_rank: 2, grow_steps: 10 };
  const ranks = [1, 10, 11, 20, 21, 30, 31, 1000].map((step) => rankAt(recipe, step));
  expect(ranks).toEqual([2, 2, 4, 4, 8, 8, 12, 12]);
});

it('is the whole from the start without a start rank, and never more', () => {
  expect(rankAt({ rank: 8, start_rank: 0, grow_steps: 1 }, 1)).toBe(8);
  expect(rankAt({ rank: 8, start_rank: 64, grow_steps: 1 }, 1)).toBe(8);
});
