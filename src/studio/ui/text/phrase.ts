import type { ErrorText } from '../../../base/lib/errorTexts/types.ts';

/**
 * A text, or its plural forms by the parameter `n`: exactly those that the language has, so that Chinese texts are
 * plain strings. `{name}` is a parameter.
 */
export type Phrase = string | { one: string; other: string };

/** The same keys in a language without plural forms. */
export type Translated<English> = Record<keyof English, string>;

/** The same codes in another language. */
export type TranslatedErrors<English> = Record<keyof English, ErrorText>;
