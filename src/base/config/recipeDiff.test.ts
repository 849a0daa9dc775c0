import { expect, it } from 'vitest';
import { defaultRecipe, type Recipe } from './recipe.ts';
import { differingKeys, recipeDiff } from './recipeDiff.ts';

const recipe = (changes: Partial<Recipe>): Recipe => ({ ...defaultRecipe(), ...changes });

it.each([
  ['the same', {}, {}, []],
  ['a number', { lr: 1e-3 }, { lr: 2e-3 }, [['lr', 1e-3, 2e-3]]],
  [
    'in the order of the recipe, whatever the order of the changes',
    { lr: 1e-3, rank: 4, method: 'lora' },
    { method: 'qlora', rank: 8, lr: 1e-3 },
    [
      ['method', 'lora', 'qlora'],
      ['rank', 4, 8],
    ],
  ],
] as [string, Partial<Recipe>, Partial<Recipe>, unknown[]][])('differences: %s', (_, a, b, expected) => {
  expect(recipeDiff(recipe(a), recipe(b)).map(({ key, before, after }) => [key, before, after])).toEqual(
    expected,
  );
});

it('equal lists and objects are no difference', () => {
  const [a, b] = [recipe({}), structuredClone(recipe({}))];
  expect(recipeDiff(a, b)).toEqual([]);
});

it.each([
  [[], []],
  [[{ lr: 1 }], []],
  [[{ lr: 1 }, { lr: 1 }, { lr: 2 }], ['lr']],
] as [Partial<Recipe>[], string[]][])('columns of %j', (recipes, keys) => {
  expect(differingKeys(recipes.map(recipe))).toEqual(keys);
});
