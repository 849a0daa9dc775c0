import { errorTexts, type ErrorCode } from '../../lib/errorTexts/index.ts';
import type { ErrorParams } from '../../lib/errors.ts';
import { en, type TextKey } from './en/index.ts';
import type { Phrase } from './phrase.ts';

export type { TextKey };

type Params = Record<string, string | number>;

const dictionary: Record<TextKey, Phrase> = en;
/** The language of the texts, for numbers and plurals too. */
export const language = 'en';
const plurals = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(language);

/** The text of `key` with `params` filled in; numbers are written by the language, `n` picks the plural form. */
export function t(key: TextKey, params: Params = {}): string {
  const phrase = dictionary[key];
  const text =
    typeof phrase === 'string'
      ? phrase
      : plurals.select(Number(params.n)) === 'one'
        ? phrase.one
        : phrase.other;
  return fill(text, params);
}

/** Whether there is a text of that key; for keys made of a name that may be new. */
export function hasText(key: string): key is TextKey {
  return Object.hasOwn(dictionary, key);
}

/** The two sentences of an error: what happened and why, and what to do. */
export function errorText(code: ErrorCode, params: ErrorParams): { what: string; next: string } {
  const { what, next } = errorTexts[code];
  const texts = Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)]));
  return { what: fill(what, texts), next: fill(next, texts) };
}

function fill(text: string, params: Params): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[name];
    return typeof value === 'number' ? numbers.format(value) : (value ?? whole);
  });
}
