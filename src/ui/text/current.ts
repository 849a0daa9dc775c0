import { useSyncExternalStore } from 'react';
import { recipeFields } from '../../config/recipe.ts';
import { errorTexts } from '../../lib/errorTexts/index.ts';
import { languages, type Language } from '../../store/prefs.ts';
import { en } from './en/index.ts';
import type { Texts } from './phrase.ts';

/** The tag of a language for `lang`, Intl and React Aria. */
export const languageTags: Record<Language, string> = { en: 'en', zh: 'zh-CN' };

const english: Texts = { phrases: en, errors: errorTexts, fields: recipeFields, detail: (words) => words };

// English comes with the page, since errors carry it everywhere; another language is a chunk of its own.
const loaders: Record<Language, () => Promise<Texts>> = {
  en: () => Promise.resolve(english),
  zh: async () => (await import('./zh/index.ts')).zh,
};

let current: Texts = english;
let language: Language = 'en';
let asked: Language = 'en';
const listeners = new Set<() => void>();

/** The texts of the language that is shown. */
export function currentTexts(): Texts {
  return current;
}

/** The language that is shown. */
export function currentLanguage(): Language {
  return language;
}

/** The tag of the language that is shown, for Intl. */
export function languageTag(): string {
  return languageTags[language];
}

/**
 * Brings the texts of a language and shows them; of several calls the last one holds. Rejects where they can't be
 * fetched, and then the language stays as it is.
 */
export async function showLanguage(wanted: Language): Promise<void> {
  asked = wanted;
  const texts = await loaders[wanted]();
  if (asked !== wanted) return;
  current = texts;
  language = wanted;
  if (typeof document !== 'undefined') document.documentElement.lang = languageTags[wanted];
  for (const listener of listeners) listener();
}

/** The language that is shown; whoever calls this is drawn again when it changes, with all that is drawn inside. */
export function useLanguage(): Language {
  return useSyncExternalStore(subscribe, currentLanguage);
}

/** The first language of the person's list that Graft speaks; any Chinese is better read in 简体中文 than in English. */
export function preferredLanguage(tags: readonly string[]): Language {
  for (const tag of tags) {
    const found = languages.find((name) => name === tag.toLowerCase().split('-')[0]);
    if (found) return found;
  }
  return 'en';
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
