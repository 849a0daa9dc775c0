import { describe, expect, it } from 'vitest';
import { defaultRecipe, recipeFields } from '../../base/config/recipe.ts';
import { checkSweep, expandGrid, expandList, readAxis, sharedKeys, sweptKeys } from './grid.ts';

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

  it('varies a setting, or has it in common: all are one or the other', () => {
    expect([...sharedKeys, ...sweptKeys].sort()).toEqual(Object.keys(recipeFields).sort());
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

it.each<[string, unknown]>([
  ['lr=1e-4,3e-4', { key: 'lr', values: [1e-4, 3e-4] }],
  ['schedule=cosine, constant', { key: 'schedule', values: ['cosine', 'constant'] }],
  ['packing=true,false', { key: 'packing', values: [true, false] }],
  [
    'targets=["q_proj","v_proj"],"all-linear"',
    { key: 'targets', values: [['q_proj', 'v_proj'], 'all-linear'] },
  ],
  ['memory_budget=300MB', { key: 'memory_budget', values: ['300MB'] }],
  ['lr', null],
  ['lr=', null],
  ['=1', null],
])('reads %s', (text, axis) => {
  expect(readAxis(text)).toEqual(axis);
});
