import { useSyncExternalStore } from 'react';
import { recipeFields } from '../../../base/config/recipe.ts';
import { errorTexts } from '../../../base/lib/errorTexts/index.ts';
import { languages, type Language } from '../../store/state/prefs.ts';
import { en } from './en/index.ts';
import type { Texts } from './texts.ts';

/** The tag of a language for `lang`, Intl and React Aria. */
export const languageTags: Record<Language, string> = { en: 'en', zh: 'zh-CN' };

const english: Texts = { phrases: en, errors: errorTexts, fields: recipeFields, detail: (words) => words };

// English is bundled with the page, since errors need it everywhere; other languages are separate chunks.
const loaders: Record<Language, () => Promise<Texts>> = {
  en: () => Promise.resolve(english),
  zh: async () => (await import('./zh/index.ts')).zh,
};

let current: Texts = english;
let language: Language = 'en';
let asked: Language = 'en';
const listeners = new Set<() => void>();

/** The texts of the current language. */
export function currentTexts(): Texts {
  return current;
}

/** The current language. */
export function currentLanguage(): Language {
  return language;
}

/** The tag of the current language, for Intl. */
export function languageTag(): string {
  return languageTags[language];
}

/**
 * Loads the texts of a language and shows them; of several calls the last one wins. Rejects if they can't be fetched,
 * and then the language does not change.
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

/** The current language; re-renders the component and its children when it changes. */
export function useLanguage(): Language {
  return useSyncExternalStore(subscribe, currentLanguage);
}

/** The first of the user's languages that Graft supports; any Chinese is better read in 简体中文 than in English. */
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
