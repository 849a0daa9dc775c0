import { readdirSync, readFileSync } from 'node:fs';
import { parseAst } from 'vite';
import { afterEach, describe, expect, it } from 'vitest';
import { recipeFields } from '../../../base/config/recipe.ts';
import { formatCompact, formatCount, formatDate, formatDuration, formatList } from '../format.ts';
import { languageTag, preferredLanguage, showLanguage } from './current.ts';
import { en } from './en/index.ts';
import { errorText, fieldText, hasText, t } from './index.ts';

const ui = new URL('../', import.meta.url);

function files(): { name: string; code: string }[] {
  return readdirSync(ui, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !entry.parentPath.includes('/text'))
    .map(({ name, parentPath }) => ({ name, code: readFileSync(`${parentPath}/${name}`, 'utf8') }));
}

const sources = () =>
  files()
    .map(({ code }) => code)
    .join('\n');

/** Words in a component itself: between tags, or in an attribute that users read. */
function wordsIn(code: string): string[] {
  const found: string[] = [];
  const walk = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(walk);
    if (typeof node !== 'object' || node === null) return;
    const { type, name, value } = node as { type?: string; name?: { name?: string }; value?: unknown };
    const read =
      type === 'JSXAttribute' && /^(aria-label|title|placeholder|alt|label)$/.test(name?.name ?? '');
    const text = type === 'JSXText' ? value : read ? (value as { value?: unknown } | null)?.value : null;
    // Literal input, such as an address or an option, is not a word.
    if (typeof text === 'string' && /(^|\s)([A-Za-z’]{2,}|[一-鿿]+)[.,:;!?…]?(\s|$)/.test(text))
      found.push(text.trim());
    Object.values(node).forEach(walk);
  };
  walk(parseAst(code, { lang: 'tsx' }).body);
  return found;
}

afterEach(() => showLanguage('en'));

describe('texts', () => {
  it('fills in parameters, formats numbers, and selects plurals by n', () => {
    expect(t('rail.data', { n: 1 })).toBe('1 row');
    expect(t('rail.data', { n: 12_345 })).toBe('12,345 rows');
    expect(t('model.reopen', { name: '$& {n}' })).toBe('Reopen $& {n}');
  });

  it('splits an error into what happened and what to do', () => {
    const { what, next } = errorText('train.layer_out_of_range', { layer: 9, layers: 5 });
    expect(what).toBe('Layer 9 does not exist: the model has 5 layers, counted from 0.');
    expect(next).toContain('"layers"');
  });

  it('are all used', () => {
    const code = sources();
    const unused = Object.keys(en).filter((key) => {
      if (code.includes(`'${key}'`)) return false;
      // Keys built from a name: some prefix of the key is in a template.
      const parts = key.split('.');
      return !parts.some((_, i) => i > 0 && code.includes(`\`${parts.slice(0, i).join('.')}.$`));
    });
    expect(unused).toEqual([]);
  });

  it('are in dictionaries, not in components', () => {
    expect(wordsIn('<p title="Some words">and {more} text</p>')).toEqual(['Some words', 'and', 'text']);
    const words = files()
      .filter(({ name }) => name.endsWith('.tsx'))
      .flatMap(({ name, code }) => wordsIn(code).map((text) => `${name}: ${text}`));
    expect(words).toEqual([]);
  });

  it('exist for every option of the recipe', () => {
    for (const { schema } of Object.values(recipeFields)) {
      if (schema.type !== 'picklist') continue;
      for (const option of schema.options) expect(hasText(`option.${option}`), option).toBe(true);
    }
  });
});

describe('language', () => {
  it('is the first of the browser’s list that Graft supports', () => {
    expect(preferredLanguage(['zh-CN', 'en'])).toBe('zh');
    expect(preferredLanguage(['de-DE', 'zh-Hant-TW', 'en-US'])).toBe('zh');
    expect(preferredLanguage(['EN-gb', 'zh'])).toBe('en');
    expect(preferredLanguage(['fr'])).toBe('en');
    expect(preferredLanguage([])).toBe('en');
  });

  it('changes texts, errors, settings, numbers and dates together', async () => {
    await showLanguage('zh');
    expect(languageTag()).toBe('zh-CN');
    expect(t('rail.data', { n: 12_345 })).toBe('12,345 条数据');
    expect(errorText('train.layer_out_of_range', { layer: 9, layers: 5 }).what).toContain('9');
    expect(fieldText('lr').label).toBe('学习率');
    expect([formatDuration(8), formatDuration(200), formatDuration(7500)]).toEqual([
      '8 秒',
      '3 分 20 秒',
      '2 小时 5 分',
    ]);
    expect(formatDate(Date.UTC(2025, 10, 3, 12))).toBe('2025年11月3日');
    expect(formatList(['学习率', '秩'])).toBe('学习率、秩');
    expect([formatCount(1234), formatCompact(494e6)]).toEqual(['1,234', '494M']);
    await showLanguage('en');
    expect([formatDuration(200), formatDate(Date.UTC(2025, 10, 3, 12))]).toEqual([
      '3 min 20 s',
      'Nov 3, 2025',
    ]);
    expect(formatList(['rank', 'lr'])).toBe('rank, lr');
  });

  it('requested last is shown, however long the other took', async () => {
    await Promise.all([showLanguage('zh'), showLanguage('en')]);
    expect(languageTag()).toBe('en');
  });
});
