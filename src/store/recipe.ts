import { presetRecipe, presets, type Preset } from '../config/presets.ts';
import { checkField, defaultRecipe, parseRecipe, type Recipe, type RecipeKey } from '../config/recipe.ts';
import { noteOf, type ErrorNote } from './errorNote.ts';
import { parseFieldText } from './recipeShape.ts';
import { isTraining, type SliceOf } from './state.ts';

export interface RecipeState {
  /** Always a usable recipe. */
  draft: Recipe;
  /** What stands in fields that can't be used; the draft keeps their last good value. */
  invalid: Partial<Record<RecipeKey, string>>;
  error: ErrorNote | null;
}

export interface RecipeSlice {
  recipe: RecipeState;
  /** Takes what a person typed in a field. */
  setFieldText(key: RecipeKey, text: string): void;
  /** Takes a value chosen in a field. */
  setFieldValue(key: RecipeKey, value: unknown): void;
  resetField(key: RecipeKey): void;
  /** Takes several values at once; those that can't be used are left. */
  setFields(changes: Partial<Recipe>): void;
  applyPreset(id: Preset['id']): void;
  /** Reads a recipe file; one that can't be read changes nothing. */
  loadRecipe(file: File): Promise<void>;
  dismissRecipeError(): void;
}

/** The fields that change the tokens of the rows. */
const tokenFields: readonly RecipeKey[] = ['mask', 'max_length', 'eval_fraction', 'seed'];
/** Time to finish typing a number before the rows are tokenized by it, in ms. */
const TYPING_PAUSE = 400;

export const createRecipeSlice: SliceOf<RecipeSlice> = () => (set, get) => {
  let pause: ReturnType<typeof setTimeout> | undefined;

  const apply = (changes: Partial<Recipe>, invalid: RecipeState['invalid']) => {
    if (isTraining(get())) return;
    const before = get().recipe.draft;
    const draft = { ...before, ...changes };
    set({ recipe: { draft, invalid, error: null } });
    if (tokenFields.every((key) => draft[key] === before[key])) return;
    clearTimeout(pause);
    pause = setTimeout(() => void get().tokenize(), TYPING_PAUSE);
  };

  const setOne = (key: RecipeKey, value: unknown, text: string) => {
    const { [key]: _, ...invalid } = get().recipe.invalid;
    if (value !== undefined && checkField(key, value) === null) apply({ [key]: value }, invalid);
    else apply({}, { ...invalid, [key]: text });
  };

  return {
    recipe: { draft: defaultRecipe(), invalid: {}, error: null },
    setFieldText: (key, text) => setOne(key, parseFieldText(key, text), text),
    setFieldValue: (key, value) => setOne(key, value, String(value)),
    resetField: (key) => setOne(key, defaultRecipe()[key], ''),
    setFields(changes) {
      const usable = Object.entries(changes).filter(
        ([key, value]) => checkField(key as RecipeKey, value) === null,
      );
      const invalid = Object.entries(get().recipe.invalid).filter(([key]) => !(key in changes));
      apply(Object.fromEntries(usable), Object.fromEntries(invalid));
    },
    applyPreset(id) {
      const preset = presets.find((candidate) => candidate.id === id);
      if (preset) apply(presetRecipe(preset), {});
    },
    async loadRecipe(file) {
      try {
        apply(parseRecipe(parseJson(await file.text())), {});
      } catch (error) {
        set(({ recipe }) => ({ recipe: { ...recipe, error: noteOf(error) } }));
      }
    },
    dismissRecipeError: () => set(({ recipe }) => ({ recipe: { ...recipe, error: null } })),
  };
};

/** JSON, or null where it isn't any: parseRecipe then says so. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
