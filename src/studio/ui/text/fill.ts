import { numbersOf } from './intl.ts';

/** Parameter values of a text. */
export type Params = Record<string, string | number>;

/** Parameters that are literal names, even if they are words. */
export const namesThings: ReadonlySet<string> = new Set(
  'file field tensor module key name repo host role token label run'.split(' '),
);

/**
 * Fills parameters into a text; numbers are formatted for the language. Inserts a space between Chinese and Latin
 * letters or digits, but none between Chinese and Chinese, since the text can't know its parameters' values.
 */
export function fill(text: string, params: Params, tag: string): string {
  let out = '';
  let rest = 0;
  for (const match of text.matchAll(/\{(\w+)\}/g)) {
    const value = params[match[1]!];
    out = joined(out, text.slice(rest, match.index));
    out = joined(out, typeof value === 'number' ? numbersOf(tag).format(value) : (value ?? match[0]));
    rest = match.index + match[0].length;
  }
  return joined(out, text.slice(rest));
}

const endsChinese = /[一-鿿]$/;
const beginsChinese = /^[一-鿿]/;

function joined(before: string, after: string): string {
  if (endsChinese.test(before) && /^[A-Za-z0-9]/.test(after)) return `${before} ${after}`;
  if (/[A-Za-z0-9]$/.test(before) && beginsChinese.test(after)) return `${before} ${after}`;
  if (/[一-鿿] $/.test(before) && beginsChinese.test(after)) return before.slice(0, -1) + after;
  if (endsChinese.test(before) && /^ [一-鿿]/.test(after)) return before + after.slice(1);
  return before + after;
}
