/*
 * Python's texts are sequences of code points, JavaScript's of UTF-16 units. Most texts have no character beyond
 * U+FFFF, where both are the same; those take the fast path.
 */

const SURROGATE = /[\ud800-\udfff]/;

/** Whether the code points of `text` differ from its UTF-16 units. */
export const hasPairs = (text: string): boolean => SURROGATE.test(text);

/** Length in code points. */
export function lengthOf(text: string): number {
  if (!hasPairs(text)) return text.length;
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    if (isPairAt(text, i)) i++;
    length++;
  }
  return length;
}

function isPairAt(text: string, i: number): boolean {
  const unit = text.charCodeAt(i);
  if (unit < 0xd800 || unit > 0xdbff) return false;
  const next = text.charCodeAt(i + 1);
  return next >= 0xdc00 && next <= 0xdfff;
}

/** The characters (code points) of `text`, for indexing and slicing. */
export const characters = (text: string): string | string[] => (hasPairs(text) ? [...text] : text);

export const join = (chars: string | string[]): string =>
  typeof chars === 'string' ? chars : chars.join('');

/** UTF-16 offset of code point index `point`; the length of `text` if it is shorter. */
export function offsetOf(text: string, point: number): number {
  if (!hasPairs(text)) return Math.min(point, text.length);
  let offset = 0;
  for (let left = point; left > 0 && offset < text.length; left--) offset += isPairAt(text, offset) ? 2 : 1;
  return offset;
}

/** Number of code points before UTF-16 offset `offset`. */
export const pointOf = (text: string, offset: number): number => lengthOf(text.slice(0, offset));

/** Orders two texts by code points: negative, 0 or positive. */
export function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Surrogates encode characters above all others of UTF-16. */
const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);

/** Whitespace of str.isspace(): Unicode classes WS, B and S, and Zs. Not U+FEFF. */
export const SPACES = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
export const SPACE = new RegExp(`^[${SPACES}]+$`);
export const SPACE_RUN = new RegExp(`[${SPACES}]+`, 'g');
const LEADING = new RegExp(`^[${SPACES}]+`);

export const isSpace = (char: string): boolean => SPACE.test(char);

export const stripStart = (text: string): string => text.replace(LEADING, '');

/** Not a pattern: matching the end of a text would try every run of spaces in it. */
export function stripEnd(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

/** Line endings of str.splitlines(). */
const LINE_ENDS = '\\r\\n|[\\n\\r\\v\\f\\x1c-\\x1e\\x85\\u2028\\u2029]';
export const LINE_END = new RegExp(LINE_ENDS, 'g');
