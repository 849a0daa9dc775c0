import type { ImportedFlags } from '../../../base/config/finetuneFlags.ts';
import type { Answer, Answers, Question } from '../../../base/config/recipeQuestions.ts';
import type { Preset } from '../../../base/config/presets.ts';
import type { Recipe, RecipeKey } from '../../../base/config/recipe.ts';
import type { SharedRecipe } from '../../../base/config/recipeLink.ts';
import type { ErrorNote } from '../errorNote.ts';
import type { NamedRecipe } from '../savedRecipes.ts';

export interface RecipeState {
  /** Always a valid recipe. */
  draft: Recipe;
  /** The answers that made the draft, as far as it is still theirs: with another model or data they are worked out anew. */
  answers: Answers;
  /** What fields were before an answer moved them last, until they are changed again. */
  moved: Partial<Recipe>;
  /** Text of fields with invalid input; the draft retains their last valid value. */
  invalid: Partial<Record<RecipeKey, string>>;
  error: ErrorNote | null;
  /** Recipes saved in this browser, the latest first. */
  saved: NamedRecipe[];
  /** A recipe from elsewhere, awaiting the user's review. */
  proposal: RecipeProposal | null;
}

/** A recipe of unknown origin, and its source. */
export type RecipeProposal =
  ({ from: 'link' | 'saved' } & SharedRecipe) | ({ from: 'flags' } & ImportedFlags);

export interface RecipeSlice {
  recipe: RecipeState;
  /** Sets a field from typed text. */
  setFieldText(key: RecipeKey, text: string): void;
  /** Sets a field to a chosen value. */
  setFieldValue(key: RecipeKey, value: unknown): void;
  /** Answers a question: moves all settings that it is about. */
  answer(question: Question, answer: Answer): void;
  /** Works out the answers anew: the model or the data is another. */
  followAnswers(): void;
  resetField(key: RecipeKey): void;
  /** Sets several values at once; invalid ones are skipped. */
  setFields(changes: Partial<Recipe>): void;
  /** Sets the recipe to these changes from the defaults; those that are no settings here are left out. */
  restoreRecipe(changes: Record<string, unknown>): void;
  applyPreset(id: Preset['id']): void;
  /** Reads a recipe file; an invalid one changes nothing. */
  loadRecipe(file: File): Promise<void>;
  dismissRecipeError(): void;
  /** Proposes the recipe in a link's fragment, if any. */
  readRecipeLink(fragment: string): void;
  /** Proposes the recipe of finetune.py flags. */
  readFlags(text: string): void;
  /** Accepts or dismisses the proposed recipe. */
  answerProposal(take: boolean): void;
  /** Saves the recipe in this browser, replacing one of the same name. */
  saveNamed(name: string): void;
  loadNamed(name: string): void;
  removeNamed(name: string): void;
}
