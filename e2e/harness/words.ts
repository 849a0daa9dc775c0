import { fill } from '../../src/ui/text/fill.ts';
import { en, type TextKey } from '../../src/ui/text/en/index.ts';
import type { Phrase } from '../../src/ui/text/phrase.ts';
import { zh } from '../../src/ui/text/zh/index.ts';

export type Language = 'en' | 'zh';

const phrases: Record<Language, Record<TextKey, Phrase>> = { en, zh: zh.phrases };
const tags = { en: 'en', zh: 'zh-CN' };

/** What the page says in a language, by the key of the text; in English the form for several. */
export function wordsOf(
  language: Language,
): (key: TextKey, params?: Record<string, string | number>) => string {
  return (key, params = {}) => {
    const phrase = phrases[language][key];
    return fill(typeof phrase === 'string' ? phrase : phrase.other, params, tags[language]);
  };
}
