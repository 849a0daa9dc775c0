import { errorTexts } from '../../../../base/lib/errorTexts/index.ts';
import { fill, namesThings } from '../fill.ts';
import { detailsZh } from './details.ts';
import { errorTextsZh } from './errors/index.ts';

interface Wording {
  pattern: RegExp;
  names: string[];
  chinese: string;
}

let wordings: Wording[] | null = null;

/** Translates known English phrases of the engine to 简体中文; returns others unchanged. */
export function detailInChinese(words: string): string {
  const known = Object.hasOwn(detailsZh, words) ? detailsZh[words] : undefined;
  // Longer phrases are a user's text, not the engine's.
  if (known !== undefined || !words.includes(' ') || words.length > 1000) return known ?? words;
  wordings ??= [
    ...Object.entries(detailsZh).map(([english, chinese]) => wording(english, chinese)),
    // The text of an error that caused another.
    ...Object.entries(errorTexts).map(([code, { what, next }]) => {
      const chinese = errorTextsZh[code as keyof typeof errorTextsZh];
      return wording(`${what} ${next}`, chinese.what + chinese.next);
    }),
  ];
  for (const { pattern, names, chinese } of wordings) {
    const found = pattern.exec(words);
    if (!found) continue;
    return fill(
      chinese,
      Object.fromEntries(
        names.map((name, i) => {
          const value = found[i + 1] ?? '';
          return [name, namesThings.has(name) ? value : detailInChinese(value)];
        }),
      ),
      'zh-CN',
    );
  }
  return words;
}

function wording(english: string, chinese: string): Wording {
  const names = [...english.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  const literal = english.split(/\{\w+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return { pattern: new RegExp(`^${literal.join('([^]+?)')}$`), names, chinese };
}
