import { fill } from '../../studio/ui/text/fill.ts';
import { en, type TextKey } from '../../studio/ui/text/en/index.ts';
import type { Phrase } from '../../studio/ui/text/phrase.ts';
import { zh } from '../../studio/ui/text/zh/index.ts';

export type Language = 'en' | 'zh';

const phrases: Record<Language, Record<TextKey, Phrase>> = { en, zh: zh.phrases };
const tags = { en: 'en', zh: 'zh-CN' };

/** The page's text of a key in a language; in English the plural form. */
export function wordsOf(
  language: Language,
): (key: TextKey, params?: Record<string, string | number>) => string {
  return (key, params = {}) => {
    const phrase = phrases[language][key];
    return fill(typeof phrase === 'string' ? phrase : phrase.other, params, tags[language]);
  };
}
