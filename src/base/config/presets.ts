import { defaultRecipe, recipeFields, type Recipe, type RecipeKey } from './recipe.ts';

/** A named recipe: its changes from the defaults. */
export interface Preset {
  id: 'balanced' | 'quick' | 'qwen' | 'qwen-qlora';
  changes: Partial<Recipe>;
}

/** Hyper-parameters that QwenLM/Qwen's finetune_lora and finetune_qlora scripts share. */
const qwen: Partial<Recipe> = {
  rank: 64,
  alpha: 16,
  dropout: 0.05,
  schedule: 'cosine',
  beta2: 0.95,
  weight_decay: 0.1,
  epochs: 5,
  batch_size: 2,
  grad_accum: 8,
};

/** Starting points, the usual one first. The Qwen ones are QwenLM/Qwen's finetune scripts. */
export const presets: readonly Preset[] = [
  { id: 'balanced', changes: {} },
  {
    id: 'quick',
    changes: { rank: 8, alpha: 16, lr: 5e-3, max_steps: 60, batch_size: 4, max_length: 512 },
  },
  {
    id: 'qwen',
    changes: { ...qwen, lr: 3e-4 },
  },
  {
    id: 'qwen-qlora',
    changes: { ...qwen, method: 'qlora', double_quant: true, lr: 2e-4 },
  },
];

/** The whole recipe of a preset. */
export function presetRecipe(preset: Preset): Recipe {
  return { ...defaultRecipe(), ...preset.changes };
}

/** The fields in which `recipe` differs from `base`, in the order of the recipe. */
export function changedFields(recipe: Recipe, base: Recipe = defaultRecipe(recipe.objective)): RecipeKey[] {
  return (Object.keys(recipeFields) as RecipeKey[]).filter(
    (key) => JSON.stringify(recipe[key]) !== JSON.stringify(base[key]),
  );
}

/** The preset that `recipe` equals, ignoring the seed; null if there is none. */
export function presetOf(recipe: Recipe): Preset | null {
  return (
    presets.find((preset) => changedFields(recipe, presetRecipe(preset)).every((key) => key === 'seed')) ??
    null
  );
}
