import { describe, expect, it } from 'vitest';
import { defaultRecipe } from '../../base/config/recipe.ts';
import { checkSweep, expandGrid, expandList } from './grid.ts';

const base = defaultRecipe();

describe('a grid', () => {
  it('is every combination, the first setting slowest', () => {
    const recipes = expandGrid(base, { lr: [1e-4, 3e-4], rank: [8, 16, 32] });
    expect(recipes.map(({ lr, rank }) => [lr, rank])).toEqual([
      [1e-4, 8],
      [1e-4, 16],
      [1e-4, 32],
      [3e-4, 8],
      [3e-4, 16],
      [3e-4, 32],
    ]);
    expect(recipes[5]).toEqual({ ...base, lr: 3e-4, rank: 32 });
  });

  it.each<[Record<string, unknown[]>, string]>([
    [{ learning_rate: [1e-4, 3e-4] }, 'unknown key "learning_rate"'],
    [{ rank: [8, 0] }, '"rank" is 0, but must be'],
    [{ rank: [8] }, 'at least two recipes; there is 1'],
    [{ rank: [8, 16, 8] }, 'Recipes 1 and 3 of the sweep are the same.'],
    [{ seed: [1, 2] }, 'differ in "seed"'],
    [{ mask: ['all', 'last'] }, 'differ in "mask"'],
    [{ beta: [0.1, 0.5] }, 'differ in "beta"'],
    [
      {
        rank: Array.from({ length: 17 }, (_, i) => i + 1),
        alpha: Array.from({ length: 16 }, (_, i) => i + 1),
      },
      '272 recipes, more than 256',
    ],
  ])('%j is refused', (grid, message) => {
    expect(() => expandGrid(base, grid)).toThrow(message);
  });
});

describe('a list', () => {
  it('says how each recipe differs from the base', () => {
    const recipes = expandList({ ...base, rank: 4 }, [{ lr: 0.001 }, { lr: 0.002, rank: 8 }]);
    expect(recipes.map(({ lr, rank }) => [lr, rank])).toEqual([
      [0.001, 4],
      [0.002, 8],
    ]);
  });

  it('of something else than recipes is refused', () => {
    expect(() => expandList(base, [{ lr: 1e-3 }, 3])).toThrow('The recipe is not a JSON object.');
    expect(() => checkSweep([])).toThrow('there is 0');
  });
});
