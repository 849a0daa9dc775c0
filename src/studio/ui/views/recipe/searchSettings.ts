import type { RecipeKey } from '../../../../base/config/recipe.ts';
import type { FieldText } from '../../text/texts.ts';

/** Labels and help of all settings in a language. */
export type SettingTexts = Record<RecipeKey, FieldText>;

/**
 * Whether a setting is found: every word of the query is in its key, its label or its help, in any of the languages.
 * Case, width and accents do not matter, and neither does how the words of a key are joined.
 */
export function isFound(query: string, key: RecipeKey, languages: readonly SettingTexts[]): boolean {
  const texts = languages.flatMap((fields) => [fields[key].label, fields[key].help]);
  const haystack = plain([key, key.replaceAll('_', ' '), key.replaceAll('_', ''), ...texts].join('\n'));
  return plain(query)
    .split(/\s+/)
    .every((word) => haystack.includes(word));
}

/** Whether the query has Chinese characters: those texts are loaded only then. */
export function isChinese(query: string): boolean {
  return /\p{Script=Han}/u.test(query);
}

function plain(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().trim();
}
