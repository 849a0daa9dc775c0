import type { RecipeKey } from '../../../base/config/recipe.ts';
import type { ErrorCode } from '../../../base/lib/errorTexts/index.ts';
import type { ErrorText } from '../../../base/lib/errorTexts/types.ts';
import type { TextKey } from './en/index.ts';
import type { Phrase } from './phrase.ts';

/** Name and help of a setting of the recipe. */
export interface FieldText {
  label: string;
  help: string;
}

/** All that the page says in a language. A key, a code or a setting without its text is a type error. */
export interface Texts {
  phrases: Record<TextKey, Phrase>;
  errors: Record<ErrorCode, ErrorText>;
  fields: Record<RecipeKey, FieldText>;
  /** A parameter of an error in words of this language: the engine writes those in English. */
  detail(words: string): string;
}
