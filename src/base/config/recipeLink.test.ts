import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { presetRecipe, presets } from './presets.ts';
import { defaultRecipe } from './recipe.ts';
import { parseRecipeFragment, recipeFragment, sharedRecipe } from './recipeLink.ts';

const link = (value: unknown) => `#recipe=${btoa(JSON.stringify(value))}`;

describe('links with a recipe', () => {
  it('carry the differences from the defaults and round-trip', () => {
    for (const preset of presets) {
      const recipe = { ...presetRecipe(preset), targets: ['q_proj', 'модуль'], layers: [0, 5] };
      const fragment = recipeFragment(recipe);
      expect(fragment).toMatch(/^#recipe=[\w-]+$/);
      expect(parseRecipeFragment(fragment)).toMatchObject({ recipe, unknown: [], invalid: [] });
    }
    expect(parseRecipeFragment(recipeFragment(defaultRecipe()))).toMatchObject({ changed: [] });
  });

  it('report unknown and invalid fields, and apply the rest', () => {
    expect(parseRecipeFragment(link({ rank: 8, colour: 'green', lr: 99, memory_budget: '2GB' }))).toEqual({
      recipe: { ...defaultRecipe(), rank: 8 },
      changed: ['rank'],
      unknown: ['colour'],
      invalid: [
        { field: 'lr', value: '99', expected: 'a number from 0 to 10' },
        { field: 'memory_budget', value: '"2GB"', expected: 'a number of bytes, or a size such as "300MB"' },
      ],
    });
    expect(sharedRecipe(JSON.parse('{"__proto__": {"rank": 1}, "constructor": 2}') as object)).toMatchObject({
      changed: [],
      unknown: ['__proto__', 'constructor'],
    });
  });

  it('are distinguished from other fragments, and from broken ones', () => {
    expect(parseRecipeFragment('')).toBeNull();
    expect(parseRecipeFragment('#data')).toBeNull();
    for (const broken of [
      '#recipe=',
      '#recipe=%%%',
      '#recipe=abc',
      link([1]),
      link(null),
      `#recipe=${'A'.repeat(30_000)}`,
    ]) {
      expect([broken.slice(0, 20), parseRecipeFragment(broken)]).toEqual([broken.slice(0, 20), 'broken']);
    }
  });

  it('never cause an exception', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json().map((json) => `recipe=${btoa(unescape(encodeURIComponent(json)))}`),
        ),
        (text) => {
          const read = parseRecipeFragment(`#${text}`);
          if (read !== null && read !== 'broken')
            expect(Object.keys(read.recipe)).toEqual(Object.keys(defaultRecipe()));
        },
      ),
    );
  });
});
