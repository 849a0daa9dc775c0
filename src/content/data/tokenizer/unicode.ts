import {
  charsOf,
  complement,
  difference,
  intersection,
  parseRanges,
  span,
  tester,
  union,
  type CodePoints,
} from './codePoints.ts';
import { CATEGORIES, DIFFERENCES, SCRIPTS } from './unicodeTables.ts';

type Category = keyof typeof CATEGORIES;

const parsed = new Map<string, CodePoints>();

function stored(key: string, encoded: string): CodePoints {
  let set = parsed.get(key);
  if (!set) parsed.set(key, (set = parseRanges(encoded)));
  return set;
}

const changes = (key: keyof typeof DIFFERENCES) => stored(key, DIFFERENCES[key]);

/** The code points of general categories, by their two-letter or one-letter names. "Cn" are unassigned. */
export function category(name: string): CodePoints | null {
  if (name === 'Cs') return span(0xd800, 0xdfff);
  if (name === 'Cn') return memo('Cn', () => complement(union(span(0xd800, 0xdfff), ...allCategories())));
  if (name === 'C') return union(...['Cc', 'Cf', 'Co', 'Cn'].map((each) => category(each)!));
  if (name === 'LC') return union(...['Lu', 'Ll', 'Lt'].map((each) => category(each)!));
  if (Object.hasOwn(CATEGORIES, name)) return stored(name, CATEGORIES[name as Category]);
  const members = (Object.keys(CATEGORIES) as Category[]).filter((key) => key[0] === name);
  if (members.length === 0) return null;
  return memo(name, () => union(...members.map((key) => stored(key, CATEGORIES[key]))));
}

function allCategories(): CodePoints[] {
  return (Object.keys(CATEGORIES) as Category[]).map((key) => stored(key, CATEGORIES[key]));
}

function memo(key: string, make: () => CodePoints): CodePoints {
  let set = parsed.get(`=${key}`);
  if (!set) parsed.set(`=${key}`, (set = make()));
  return set;
}

const of = (name: string) => category(name)!;

/** White_Space, unchanged since Unicode 6.3: includes U+0085, but not U+180E, U+200B and U+FEFF. */
export const WHITE_SPACE: CodePoints = union(
  span(0x9, 0xd),
  charsOf(' \u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000'),
  span(0x2000, 0x200a),
);

export const ASCII_PUNCTUATION: CodePoints = union(span(33, 47), span(58, 64), span(91, 96), span(123, 126));

export const alphabetic = () =>
  memo('Alphabetic', () => union(of('L'), of('Nl'), changes('OtherAlphabetic')));
export const uppercase = () => memo('Uppercase', () => union(of('Lu'), changes('OtherUppercase')));
export const lowercase = () => memo('Lowercase', () => union(of('Ll'), changes('OtherLowercase')));
/** `\w` in Oniguruma's brackets and in Rust's `regex`, which also includes the two joiners. */
export const wordChars = () => memo('word', () => union(alphabetic(), of('M'), of('Nd'), of('Pc')));
/** Oniguruma's `[[:graph:]]`. */
export const graphChars = () =>
  memo('graph', () => complement(union(WHITE_SPACE, of('Cc'), of('Cn'), of('Cs'))));

/** The code points of a script, from the JavaScript engine; those unknown to Oniguruma are excluded. */
export function script(name: string): CodePoints | null {
  let test: RegExp;
  try {
    test = new RegExp(String.raw`\p{Script=${name}}`, 'u');
  } catch {
    return null;
  }
  return memo(`Script=${name}`, () => {
    const set: number[] = [];
    for (let at = 0, inside = false; at <= 0x110000; at++) {
      const isIn = at < 0x110000 && test.test(String.fromCodePoint(at));
      if (isIn !== inside) set.push(at);
      inside = isIn;
    }
    return intersection(set, complement(of('Cn')));
  });
}

/** Rust's `char::is_whitespace`. */
export const isWhitespace = tester(WHITE_SPACE);
/** Rust's `char::is_numeric` (Nd, Nl, No of Unicode 17). */
export const isNumeric = lazy(() => union(of('N'), changes('NewerNumeric')));
/** `\w` of Rust's `regex`. */
export const isWord = lazy(() => union(wordChars(), span(0x200c, 0x200d)));
/** The punctuation of the Punctuation and Bert pre-tokenizers (crate unicode_categories). */
export const isPunctuation = lazy(() =>
  union(difference(union(of('P'), ASCII_PUNCTUATION), changes('NotPunctuation')), changes('MorePunctuation')),
);
/** `is_combining_mark` of the normalization library. */
export const isMark = lazy(() => union(difference(of('M'), changes('NotMark')), changes('MoreMark')));
/** What BertNormalizer strips as accents. */
export const isNonspacingMark = lazy(() =>
  union(difference(of('Mn'), changes('NotNonspacing')), changes('MoreNonspacing')),
);
/** Control characters removed by BertNormalizer, besides U+0000 and U+FFFD. */
export const isOther = lazy(() =>
  difference(union(of('Cc'), of('Cf'), of('Co')), union(changes('NotOther'), span(0, 0))),
);
/**
 * Characters that the normalization library has no data on: it leaves them unchanged, and separates what is around
 * them.
 */
export const unnormalized = () => memo('unnormalized', () => union(changes('Unnormalized'), of('Cn')));

function lazy(make: () => CodePoints): (codePoint: number) => boolean {
  let test: ((codePoint: number) => boolean) | null = null;
  return (codePoint) => (test ??= tester(make()))(codePoint);
}

let scripts: { starts: Int32Array; ends: Int32Array; names: string[] } | null = null;

/** The script of a character for the pre-tokenizer UnicodeScripts; null if it has none there. */
export function oldScriptOf(codePoint: number): string | null {
  scripts ??= readScripts();
  let low = 0;
  let high = scripts.starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (scripts.starts[middle]! <= codePoint) low = middle + 1;
    else high = middle;
  }
  return low > 0 && codePoint < scripts.ends[low - 1]! ? scripts.names[low - 1]! : null;
}

function readScripts(): { starts: Int32Array; ends: Int32Array; names: string[] } {
  const runs = Object.entries(SCRIPTS).flatMap(([name, encoded]) => {
    const set = parseRanges(encoded);
    return set.flatMap((start, i) => (i % 2 === 0 ? [{ name, start, end: set[i + 1]! }] : []));
  });
  runs.sort((a, b) => a.start - b.start);
  return {
    starts: Int32Array.from(runs, ({ start }) => start),
    ends: Int32Array.from(runs, ({ end }) => end),
    names: runs.map(({ name }) => name),
  };
}
