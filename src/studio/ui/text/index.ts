import type { RecipeKey } from '../../../base/config/recipe.ts';
import type { ErrorCode } from '../../../base/lib/errorTexts/index.ts';
import type { ErrorParams } from '../../../base/lib/errors.ts';
import { currentTexts, languageTag } from './current.ts';
import type { TextKey } from './en/index.ts';
import { fill, namesThings, type Params } from './fill.ts';
import { pluralsOf } from './intl.ts';
import type { FieldText } from './texts.ts';

export type { TextKey };

/** The text of `key` with `params` filled in; numbers are formatted for the language, `n` selects the plural form. */
export function t(key: TextKey, params: Params = {}): string {
  const phrase = currentTexts().phrases[key];
  const text =
    typeof phrase === 'string'
      ? phrase
      : pluralsOf(languageTag()).select(Number(params.n)) === 'one'
        ? phrase.one
        : phrase.other;
  return fill(text, params, languageTag());
}

/** Whether there is a text of that key; for keys built from a possibly unknown name. */
export function hasText(key: string): key is TextKey {
  return Object.hasOwn(currentTexts().phrases, key);
}

/** Whether an error code is known: stored runs may contain others. */
export function hasErrorText(code: string): code is ErrorCode {
  return Object.hasOwn(currentTexts().errors, code);
}

/** The two sentences of an error: what happened and why, and what to do. */
export function errorText(code: ErrorCode, params: ErrorParams): { what: string; next: string } {
  const { errors, detail } = currentTexts();
  const { what, next } = errors[code];
  const texts = Object.fromEntries(
    // Numbers in errors are technical: bytes and offsets, unformatted so that they can be searched for.
    Object.entries(params).map(([name, value]) => [
      name,
      namesThings.has(name) ? String(value) : detail(String(value)),
    ]),
  );
  return { what: fill(what, texts, languageTag()), next: fill(next, texts, languageTag()) };
}

/** Name and help of a setting of the recipe. */
export function fieldText(key: RecipeKey): FieldText {
  return currentTexts().fields[key];
}

/** A standalone English phrase of the engine, in the current language. */
export function detailText(words: string): string {
  return currentTexts().detail(words);
}
