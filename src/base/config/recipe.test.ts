import { describe, expect, it } from 'vitest';
import { expectGraftError } from '../../testing/errors.ts';
import { defaultRecipe, parseRecipe, recipeFields, type RecipeKey } from './recipe.ts';

describe('recipe', () => {
  it('has a valid default for every key', () => {
    expect(Object.keys(defaultRecipe())).toEqual(Object.keys(recipeFields));
    expect(parseRecipe(defaultRecipe())).toEqual(defaultRecipe());
  });

  it('accepts every key that the command line documents', () => {
    const keys =
      'method rank alpha dropout targets layers rslora lr schedule warmup_steps weight_decay beta1 beta2 eps ' +
      'max_grad_norm batch_size grad_accum max_steps epochs max_length packing shuffle seed dtype';
    for (const key of keys.split(' ')) expect(recipeFields).toHaveProperty(key);
  });

  it('takes given values, and null leaves the default', () => {
    const recipe = parseRecipe({ rank: 4, targets: ['q_proj'], layers: [0, 2], max_steps: null });
    expect(recipe).toEqual({ ...defaultRecipe(), rank: 4, targets: ['q_proj'], layers: [0, 2] });
  });

  it('splits the rows by itself, or as it says', () => {
    expect(parseRecipe({}).eval_fraction).toBe('auto');
    expect(parseRecipe({ eval_fraction: 'auto' }).eval_fraction).toBe('auto');
    expect(parseRecipe({ eval_fraction: 0 }).eval_fraction).toBe(0);
  });

  it('reads a size with its unit', () => {
    expect(parseRecipe({ memory_budget: '300 MB' }).memory_budget).toBe(300e6);
    expect(parseRecipe({ memory_budget: '1.5GiB' }).memory_budget).toBe(1.5 * 2 ** 30);
    expect(parseRecipe({ memory_budget: 5e9 }).memory_budget).toBe(5e9);
  });

  it('reports an unknown key with the known ones', async () => {
    const work = () => parseRecipe({ learning_rate: 1 });
    await expectGraftError(work, 'train.recipe_unknown_key', { key: 'learning_rate' });
    expect(work).toThrow('warmup_steps');
  });

  it.each([
    ['rank', 0],
    ['rank', 1.5],
    ['rank', '8'],
    ['lr', -1],
    ['lr', Infinity],
    ['dropout', 1],
    ['schedule', 'cosin'],
    ['targets', []],
    ['layers', [-1]],
    ['packing', 1],
    ['dtype', 'bf16'],
    ['eval_fraction', 'none'],
    ['eval_fraction', 0.6],
    ['memory_budget', 'much'],
    ['memory_budget', '5 bytes'],
    ['memory_budget', -1],
  ] as [RecipeKey, unknown][])('refuses %s = %j by its name', async (key, value) => {
    await expectGraftError(() => parseRecipe({ [key]: value }), 'train.recipe_invalid', { key });
  });

  it.each([null, [], 'rank', 3])('rejects %j as a whole', async (json) => {
    await expectGraftError(() => parseRecipe(json), 'train.recipe_not_object');
  });
});
