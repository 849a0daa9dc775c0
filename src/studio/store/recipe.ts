import { parseBoundedJson } from '../../base/lib/boundedJson.ts';
import { importFlags } from '../../base/config/finetuneFlags.ts';
import { changedFields, presetRecipe, presets } from '../../base/config/presets.ts';
import {
  checkField,
  defaultRecipe,
  parseRecipe,
  type Recipe,
  type RecipeKey,
} from '../../base/config/recipe.ts';
import { firstAnswers, heldAnswers, withAnswers, type Answers } from '../../base/config/recipeQuestions.ts';
import { parseRecipeFragment, sharedRecipe } from '../../base/config/recipeLink.ts';
import { readingKeys } from '../../base/config/reading.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { noteOf } from './errorNote.ts';
import { recipeFacts } from './recipeFacts.ts';
import { parseFieldText } from './recipeShape.ts';
import { readRecipes, writeRecipes } from './savedRecipes.ts';
import { isReadOnly, isTraining, type SliceOf } from './state.ts';
import type { RecipeState, RecipeSlice } from './state/recipe.ts';

/** Fields that affect the tokens of the rows. */
const tokenFields: readonly RecipeKey[] = [...readingKeys, 'max_length', 'eval_fraction', 'seed'];
/** A recipe from elsewhere means its numbers, whatever the model. */
const noAnswers: Answers = { length: null, goal: null, memory: null };

/** Another objective has other defaults: what was at the default stays so. */
function withObjectiveDefaults(before: Recipe, draft: Recipe): Recipe {
  const [from, to] = [defaultRecipe(before.objective), defaultRecipe(draft.objective)];
  return draft.beta === before.beta && draft.beta === from.beta ? { ...draft, beta: to.beta } : draft;
}

export const createRecipeSlice: SliceOf<RecipeSlice> = () => (set, get) => {
  const patch = (changes: Partial<RecipeState>) =>
    set(({ recipe }) => ({ recipe: { ...recipe, ...changes } }));

  /** @param answers those that the changes are; by default the ones that still hold */
  const apply = (changes: Partial<Recipe>, invalid: RecipeState['invalid'], answers?: Answers) => {
    if (isTraining(get()) || isReadOnly(get())) return;
    const { draft: before, moved, answers: given } = get().recipe;
    const draft = withObjectiveDefaults(before, { ...before, ...changes });
    const changed = changedFields(draft, before);
    // Answers mean other settings for another objective: those that held go on to hold.
    const isOther = !answers && draft.objective !== before.objective && !('lr' in changes);
    patch({
      draft,
      invalid,
      error: null,
      answers: answers ?? (isOther ? given : heldAnswers(given, draft, recipeFacts(get()))),
      moved: Object.fromEntries(Object.entries(moved).filter(([key]) => !changed.includes(key as RecipeKey))),
    });
    if (changed.some((key) => tokenFields.includes(key))) get().tokenizeSoon();
    if (isOther) get().followAnswers();
  };

  const giveAnswers = (answers: Answers) => {
    if (isTraining(get()) || isReadOnly(get())) return;
    const { draft: before, invalid, moved } = get().recipe;
    const draft = withAnswers(before, answers, recipeFacts(get()));
    const changed = changedFields(draft, before);
    const stillInvalid = Object.entries(invalid).filter(([key]) => !changed.includes(key as RecipeKey));
    apply(draft, Object.fromEntries(stillInvalid), answers);
    const from = Object.fromEntries(changed.map((key) => [key, before[key]]));
    patch({ moved: { ...moved, ...from } });
  };

  const setOne = (key: RecipeKey, value: unknown, text: string) => {
    const { [key]: _, ...invalid } = get().recipe.invalid;
    if (value !== undefined && checkField(key, value) === null) apply({ [key]: value }, invalid);
    else apply({}, { ...invalid, [key]: text });
  };

  return {
    recipe: {
      draft: defaultRecipe(),
      answers: firstAnswers,
      moved: {},
      invalid: {},
      error: null,
      saved: readRecipes(),
      proposal: null,
    },
    answer(question, answer) {
      // Only what this answer moves is new; what others moved before is known by now.
      patch({ moved: {} });
      giveAnswers({ ...get().recipe.answers, [question]: answer });
    },
    followAnswers() {
      const { answers, draft } = get().recipe;
      const follows = changedFields(withAnswers(draft, answers, recipeFacts(get())), draft).length > 0;
      if (follows) giveAnswers(answers);
    },
    setFieldText: (key, text) => setOne(key, parseFieldText(key, text), text),
    setFieldValue: (key, value) => setOne(key, value, String(value)),
    resetField: (key) => setOne(key, defaultRecipe(get().recipe.draft.objective)[key], ''),
    setFields(changes) {
      const usable = Object.entries(changes).filter(
        ([key, value]) => checkField(key as RecipeKey, value) === null,
      );
      const invalid = Object.entries(get().recipe.invalid).filter(([key]) => !(key in changes));
      apply(Object.fromEntries(usable), Object.fromEntries(invalid));
    },
    restoreRecipe(changes) {
      const isFresh = Object.keys(changes).length === 0;
      patch({
        draft: sharedRecipe(changes).recipe,
        answers: isFresh ? firstAnswers : noAnswers,
        moved: {},
        invalid: {},
        error: null,
      });
    },
    applyPreset(id) {
      const preset = presets.find((candidate) => candidate.id === id);
      if (preset) apply(presetRecipe(preset), {}, noAnswers);
    },
    async loadRecipe(file) {
      try {
        apply(parseRecipe(parseJson(await file.text())), {}, noAnswers);
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
      if (take && proposal) apply(proposal.recipe, {}, noAnswers);
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
      // One saved by another version of the page may have other fields: then it is reviewed first.
      if (shared.unknown.length + shared.invalid.length > 0)
        patch({ proposal: { from: 'saved', ...shared } });
      else apply(shared.recipe, {}, noAnswers);
    },
    removeNamed(name) {
      patch({ saved: writeRecipes(get().recipe.saved.filter((other) => other.name !== name)) });
    },
  };
};

/** Parsed JSON, or null if invalid: parseRecipe then reports the error. */
function parseJson(text: string): unknown {
  try {
    return parseBoundedJson(text);
  } catch {
    return null;
  }
}
