import type { RecipeKey } from '../../config/recipe.ts';
import type { ErrorCode } from '../../lib/errorTexts/index.ts';
import type { ErrorText } from '../../lib/errorTexts/types.ts';
import type { TextKey } from './en/index.ts';

/**
 * A text, or its forms by the plural rule of the parameter `n`: those that the language has and no others, so that
 * Chinese texts are plain strings. `{name}` is a parameter.
 */
export type Phrase = string | { one: string; other: string };

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

/** The same keys in a language without plural forms. */
export type Translated<English> = Record<keyof English, string>;

/** The same codes in another language. */
export type TranslatedErrors<English> = Record<keyof English, ErrorText>;
