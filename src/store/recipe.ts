import { importFlags, type ImportedFlags } from '../config/finetuneFlags.ts';
import { changedFields, presetRecipe, presets, type Preset } from '../config/presets.ts';
import { checkField, defaultRecipe, parseRecipe, type Recipe, type RecipeKey } from '../config/recipe.ts';
import { parseRecipeFragment, sharedRecipe, type SharedRecipe } from '../config/recipeLink.ts';
import { readingKeys } from '../data/reading.ts';
import { GraftError } from '../lib/errors.ts';
import { noteOf, type ErrorNote } from './errorNote.ts';
import { parseFieldText } from './recipeShape.ts';
import { readRecipes, writeRecipes, type NamedRecipe } from './savedRecipes.ts';
import { isTraining, type SliceOf } from './state.ts';

export interface RecipeState {
  /** Always a usable recipe. */
  draft: Recipe;
  /** What stands in fields that can't be used; the draft keeps their last good value. */
  invalid: Partial<Record<RecipeKey, string>>;
  error: ErrorNote | null;
  /** Recipes kept in this browser, the latest first. */
  saved: NamedRecipe[];
  /** A recipe from elsewhere, which is looked at before it is taken. */
  proposal: RecipeProposal | null;
}

/** Where a recipe comes from that nobody here has seen, and what it says. */
export type RecipeProposal =
  ({ from: 'link' | 'saved' } & SharedRecipe) | ({ from: 'flags' } & ImportedFlags);

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
  /** Looks at the recipe that a link carries in its fragment, where it does. */
  readRecipeLink(fragment: string): void;
  /** Looks at the recipe that flags of finetune.py mean. */
  readFlags(text: string): void;
  /** Takes the recipe that was looked at, or leaves it. */
  answerProposal(take: boolean): void;
  /** Keeps the recipe in this browser; one of the same name gives way. */
  saveNamed(name: string): void;
  loadNamed(name: string): void;
  removeNamed(name: string): void;
}

/** The fields that change the tokens of the rows. */
const tokenFields: readonly RecipeKey[] = [...readingKeys, 'max_length', 'eval_fraction', 'seed'];
/** Time to finish typing a number before the rows are tokenized by it, in ms. */
const TYPING_PAUSE = 400;

export const createRecipeSlice: SliceOf<RecipeSlice> = () => (set, get) => {
  let pause: ReturnType<typeof setTimeout> | undefined;

  const patch = (changes: Partial<RecipeState>) =>
    set(({ recipe }) => ({ recipe: { ...recipe, ...changes } }));

  const apply = (changes: Partial<Recipe>, invalid: RecipeState['invalid']) => {
    if (isTraining(get())) return;
    const before = get().recipe.draft;
    const draft = { ...before, ...changes };
    patch({ draft, invalid, error: null });
    if (!changedFields(draft, before).some((key) => tokenFields.includes(key))) return;
    clearTimeout(pause);
    pause = setTimeout(() => void get().tokenize(), TYPING_PAUSE);
  };

  const setOne = (key: RecipeKey, value: unknown, text: string) => {
    const { [key]: _, ...invalid } = get().recipe.invalid;
    if (value !== undefined && checkField(key, value) === null) apply({ [key]: value }, invalid);
    else apply({}, { ...invalid, [key]: text });
  };

  return {
    recipe: { draft: defaultRecipe(), invalid: {}, error: null, saved: readRecipes(), proposal: null },
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
        patch({ error: noteOf(error) });
      }
    },
    dismissRecipeError: () => patch({ error: null }),
    readRecipeLink(fragment) {
      const shared = parseRecipeFragment(fragment);
      if (shared === 'broken') patch({ error: noteOf(new GraftError('train.shared_broken')) });
      else if (shared) patch({ proposal: { from: 'link', ...shared } });
    },
    readFlags(text) {
      const { tokenized, summary } = get().dataset;
      try {
        const flags = importFlags(text, tokenized?.rows ?? summary?.rows ?? null);
        patch({ proposal: { from: 'flags', ...flags }, error: null });
      } catch (error) {
        patch({ error: noteOf(error) });
      }
    },
    answerProposal(take) {
      const { proposal } = get().recipe;
      patch({ proposal: null });
      if (take && proposal) apply(proposal.recipe, {});
    },
    saveNamed(name) {
      const { draft, saved } = get().recipe;
      const changes = Object.fromEntries(changedFields(draft).map((key) => [key, draft[key]]));
      const others = saved.filter((other) => other.name !== name);
      patch({ saved: writeRecipes([{ name, changes }, ...others]) });
    },
    loadNamed(name) {
      const found = get().recipe.saved.find((candidate) => candidate.name === name);
      if (!found) return;
      const shared = sharedRecipe(found.changes);
      // What an older or newer page kept may not fit this one's fields: then it is looked at first.
      if (shared.unknown.length + shared.invalid.length > 0)
        patch({ proposal: { from: 'saved', ...shared } });
      else apply(shared.recipe, {});
    },
    removeNamed(name) {
      patch({ saved: writeRecipes(get().recipe.saved.filter((other) => other.name !== name)) });
    },
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
