import { describe, expect, it } from 'vitest';
import { expectGraftError } from '../../testing/errors.ts';
import { changedFields } from './presets.ts';
import { defaultRecipe, parseRecipe } from './recipe.ts';
import { parseRecipeFragment, recipeFragment } from './recipeLink.ts';
import { rewardNames, type RewardDefinition } from './rewards.ts';

describe('rewards of a recipe', () => {
  it.each<RewardDefinition>([
    { kind: 'exact' },
    { kind: 'exact', name: 'right', weight: -2, column: 'gold', extract: '(\\d+)', ignore_case: true },
    { kind: 'contains', text: 'please' },
    { kind: 'regex', pattern: '^a' },
    { kind: 'format', pattern: '<think>.*</think>.*' },
    { kind: 'number', tolerance: 0.1, relative: true },
    { kind: 'json', schema: { type: 'object' } },
    { kind: 'length', max: 20, unit: 'tokens' },
    { kind: 'javascript', source: '() => 1', seconds: 2 },
  ])('reads %j', (reward) => {
    expect(parseRecipe({ objective: 'grpo', rewards: [reward] }).rewards).toEqual([reward]);
  });

  it.each([
    [{}, 'a list of rewards'],
    [[{}], 'entry 1 has as "kind" one of "exact"'],
    [[{ kind: 'exact' }, { kind: 'best' }], 'entry 2 has as "kind" one of'],
    [[{ kind: 'exact', weigth: 1 }], 'entry 1 has no "weigth"'],
    [[{ kind: 'exact', weight: 'much' }], 'entry 1 has as "weight" a number'],
    [[{ kind: 'regex' }], 'entry 1 has a "pattern"'],
    [[{ kind: 'regex', pattern: '(' }], 'entry 1 has as "pattern" a regular expression'],
    [[{ kind: 'length' }], 'entry 1 has a "min" or a "max"'],
    [[{ kind: 'javascript', source: '' }], 'entry 1 has as "source" the source of a function'],
    [
      [
        { kind: 'exact', name: 'a' },
        { kind: 'json', name: 'a' },
      ],
      'no two are named "a"',
    ],
  ])('refuses %j by entry and key', async (rewards, expected) => {
    const work = () => parseRecipe({ rewards });
    await expectGraftError(work, 'train.recipe_invalid', { key: 'rewards' });
    expect(work).toThrow(expected);
  });

  it('are called by their kinds, numbered where one comes twice', () => {
    const rewards: RewardDefinition[] = [{ kind: 'exact' }, { kind: 'json' }, { kind: 'exact' }];
    expect(rewardNames([...rewards, { kind: 'json', name: 'valid' }])).toEqual([
      'exact',
      'json',
      'exact_2',
      'valid',
    ]);
  });
});

describe('the defaults of GRPO', () => {
  it('leave the reference out, as in TRL', () => {
    expect(parseRecipe({ objective: 'grpo' }).beta).toBe(0);
    expect(parseRecipe({ objective: 'grpo', beta: 0.1 }).beta).toBe(0.1);
    expect(parseRecipe({ objective: 'dpo' }).beta).toBe(0.1);
    expect(changedFields(parseRecipe({ objective: 'grpo' }))).toEqual(['objective']);
  });

  it.each([0, 0.1])('survive a link, with a beta of %d', (beta) => {
    const recipe = { ...defaultRecipe('grpo'), objective: 'grpo' as const, beta };
    const shared = parseRecipeFragment(recipeFragment(recipe));
    expect(shared).toMatchObject({ recipe, unknown: [], invalid: [] });
  });
});
