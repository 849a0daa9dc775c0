import { describe, expect, it } from 'vitest';
import { changedFields, presetOf, presetRecipe, presets } from './presets.ts';
import { defaultRecipe, parseRecipe } from './recipe.ts';

describe('presets', () => {
  it('are valid recipes that are recognized as presets', () => {
    for (const preset of presets) {
      const recipe = presetRecipe(preset);
      expect(parseRecipe(JSON.parse(JSON.stringify(recipe)))).toEqual(recipe);
      expect(presetOf(recipe)?.id).toBe(preset.id);
      expect(presetOf({ ...recipe, seed: 7 })?.id).toBe(preset.id);
      expect(presetOf({ ...recipe, rank: recipe.rank + 1 })).toBeNull();
    }
  });

  it.each([
    ['qwen', { method: 'lora', lr: 3e-4 }],
    ['qwen-qlora', { method: 'qlora', double_quant: true, lr: 2e-4 }],
  ])('%s has the numbers of QwenLM/Qwen', (name, own) => {
    const recipe = presetRecipe(presets.find(({ id }) => id === name)!);
    const shared = { rank: 64, alpha: 16, dropout: 0.05, beta2: 0.95, weight_decay: 0.1, schedule: 'cosine' };
    expect(recipe).toMatchObject({ ...shared, ...own, batch_size: 2, grad_accum: 8 });
  });
});

describe('changedFields', () => {
  it('lists differing fields in recipe order, comparing lists by content', () => {
    const defaults = defaultRecipe();
    expect(changedFields(defaults)).toEqual([]);
    expect(changedFields({ ...defaults, targets: ['q_proj'], rank: 8 })).toEqual(['rank', 'targets']);
    expect(changedFields({ ...defaults, layers: [0] }, { ...defaults, layers: [0] })).toEqual([]);
  });
});
