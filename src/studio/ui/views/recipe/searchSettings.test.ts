import { expect, it } from 'vitest';
import { recipeFields, type RecipeKey } from '../../../../base/config/recipe.ts';
import { fieldTextsZh } from '../../text/zh/fields.ts';
import { isChinese, isFound } from './searchSettings.ts';

const found = (query: string) =>
  (Object.keys(recipeFields) as RecipeKey[]).filter((key) =>
    isFound(query, key, [recipeFields, fieldTextsZh]),
  );

it.each([
  ['warmup', ['warmup_steps']],
  ['grad_accum', ['grad_accum']],
  ['WEIGHT decay', ['init_lora_weights', 'weight_decay']],
  ['decay weight', ['init_lora_weights', 'weight_decay']],
  ['weightdecay', ['weight_decay']],
  ['学习率', ['method', 'lr', 'schedule', 'warmup_steps']],
  ['秩稳定', ['rslora']],
  ['ｓｅｅｄ', ['seed']],
  ['blåbær', []],
] as [string, RecipeKey[]][])('%s finds %j', (query, keys) => {
  const result = found(query);
  for (const key of keys) expect(result).toContain(key);
  if (keys.length < 2) expect(result).toEqual(keys);
});

it('finds every setting by its key and its label in both languages, and all of them by nothing', () => {
  const keys = Object.keys(recipeFields) as RecipeKey[];
  for (const key of keys) {
    for (const query of [key, recipeFields[key].label, fieldTextsZh[key].label])
      expect(found(query), query).toContain(key);
  }
  expect(found('  ')).toEqual(keys);
});

it('needs the Chinese texts for Chinese words only', () => {
  expect([isChinese('预热'), isChinese('warmup 2e-4')]).toEqual([true, false]);
});
