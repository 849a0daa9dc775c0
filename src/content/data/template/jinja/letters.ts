/*
 * Case mappings and character classes of Python's str. JavaScript has the same mappings to upper and lower case
 * (Unicode SpecialCasing, without a language); title case and case folding are implemented here.
 */

/** Characters whose title case is neither their upper case nor its first letter with the rest in lower case. */
const TITLE = new Map(
  (
    'ǄǅǅǅǆǅǇǈǈǈǉǈǊǋǋǋǌǋǱǲǲǲǳǲᾳᾼᾼᾼῃῌῌῌῳῼῼῼ' // pairs of a character and its title case
      .match(/../gsu) ?? []
  ).map((pair) => [...pair] as [string, string]),
);
// Their iota stays below the capital letter, after any other mark.
for (const char of 'ᾲᾴᾷῂῄῇῲῴῷ') TITLE.set(char, `${char.toUpperCase().slice(0, -1)}\u0345`);

/** Title case of one character. */
function titleOf(char: string): string {
  const known = TITLE.get(char);
  if (known !== undefined) return known;
  const code = char.codePointAt(0) ?? 0;
  // Greek with iota subscript; Georgian letters, whose title case is the lowercase form.
  if (code >= 0x1f80 && code <= 0x1faf) return String.fromCharCode(code | 8);
  if (code >= 0x10d0 && code <= 0x10ff) return char;
  const upper = char.toUpperCase();
  if (upper.length < 2 || code > 0xffff) return upper;
  const ligature = char === 'ß' || char === 'և' || (code >= 0xfb00 && code <= 0xfb17);
  return ligature ? upper.charAt(0) + upper.slice(1).toLowerCase() : upper;
}

export const upper = (text: string): string => text.toUpperCase();
export const lower = (text: string): string => text.toLowerCase();

/** str.capitalize(): the first character in title case, the rest in lower case. */
export function capitalize(text: string): string {
  const [first] = text;
  if (first === undefined) return '';
  // Lowered as a whole, since a final sigma depends on its neighbours.
  return titleOf(first) + text.toLowerCase().slice(first.toLowerCase().length);
}

const CASED = /^[\p{Lowercase}\p{Uppercase}\p{Lt}]$/u;

/** str.title(): every character after an uncased one in title case, the others in lower case. */
export function title(text: string): string {
  let result = '';
  let inWord = false;
  let at = 0;
  for (const char of text) {
    result += !inWord ? titleOf(char) : char === 'Σ' ? sigmaAt(text, at) : char.toLowerCase();
    inWord = CASED.test(char);
    at += char.length;
  }
  return result;
}

/** Lower case of the sigma at `at`: a different one at the end of a word. */
function sigmaAt(text: string, at: number): string {
  const around = text.slice(Math.max(0, at - 32), at + 33);
  const before = text.slice(Math.max(0, at - 32), at).toLowerCase().length;
  return around.toLowerCase().charAt(before);
}

/** str.swapcase() */
export function swapCase(text: string): string {
  let result = '';
  let at = 0;
  for (const char of text) {
    if (UPPER.test(char)) result += char === 'Σ' ? sigmaAt(text, at) : char.toLowerCase();
    else result += LOWER.test(char) ? char.toUpperCase() : char;
    at += char.length;
  }
  return result;
}

/** str.casefold() */
export function caseFold(text: string): string {
  let result = '';
  for (const char of text) result += foldOf(char);
  return result;
}

function foldOf(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  // Cherokee folds to its capitals, which Unicode added first.
  if ((code >= 0x13f8 && code <= 0x13fd) || (code >= 0xab70 && code <= 0xabbf)) return char.toUpperCase();
  if (code >= 0x13a0 && code <= 0x13f5) return char;
  if (char === 'İ') return 'i̇';
  if (char === 'ı') return char;
  if (char === 'ẞ') return 'ss';
  const folded = char.toUpperCase().toLowerCase();
  return folded.includes('ς') ? folded.replaceAll('ς', 'σ') : folded;
}

const LOWER = /^\p{Lowercase}$/u;
const UPPER = /^\p{Uppercase}$/u;
const TITLECASED = /^\p{Lt}$/u;

/** Digits that are not decimals: superscripts, circled and the like (Numeric_Type=Digit). */
const DIGITS =
  '\\p{Nd}²³¹\\u1369-\\u1371\\u19da⁰⁴-⁹₀-₉①-⑨⑴-⑼⒈-⒐⓪⓵-⓽⓿❶-❾➀-➈➊-➒\\u{10a40}-\\u{10a43}\\u{10e60}-\\u{10e68}\\u{11052}-\\u{1105a}\\u{1f100}-\\u{1f10a}';

/** Ideographs that are numbers (Numeric_Type=Numeric outside category N). */
const NUMERALS =
  '㐅㒃㠪㭍一七万三九二五亖亿什仟仨伍佰億兆兩八六十千卄卅卌叁参參叄四壱壹幺廾廿弌弍弎弐拾捌柒漆玖畝肆萬貮貳贰閌阡陌陸零\\uf96b\\uf973\\uf978\\uf9b2\\uf9d1\\uf9d3\\uf9fd\\u{20001}\\u{20064}\\u{200e2}\\u{20121}\\u{2092a}\\u{20983}\\u{2098c}\\u{2099c}\\u{20aea}\\u{20afd}\\u{20b19}\\u{22390}\\u{22998}\\u{23b1b}\\u{2626d}\\u{2f890}';

const all = (characters: string) => new RegExp(`^[${characters}]+$`, 'u');

/** str.isalpha() and so on, for non-empty texts. */
export const PREDICATES: Readonly<Record<string, (text: string) => boolean>> = {
  isalpha: test(all('\\p{L}')),
  isalnum: test(all(`\\p{L}\\p{N}${NUMERALS}`)),
  isdecimal: test(all('\\p{Nd}')),
  isdigit: test(all(DIGITS)),
  isnumeric: test(all(`\\p{N}${NUMERALS}`)),
  islower: (text) => cases(text, LOWER),
  isupper: (text) => cases(text, UPPER),
  istitle: isTitle,
};

function test(pattern: RegExp): (text: string) => boolean {
  return (text) => pattern.test(text);
}

/** Whether `text` has cased characters, all of them of one case. */
function cases(text: string, wanted: RegExp): boolean {
  let found = false;
  for (const char of text) {
    if (wanted.test(char)) found = true;
    else if (CASED.test(char)) return false;
  }
  return found;
}

function isTitle(text: string): boolean {
  let found = false;
  let inWord = false;
  for (const char of text) {
    if (UPPER.test(char) || TITLECASED.test(char)) {
      if (inWord) return false;
      inWord = found = true;
    } else if (LOWER.test(char)) {
      if (!inWord) return false;
      found = true;
    } else inWord = false;
  }
  return found;
}

/** Characters that repr() escapes: control, format, private and unassigned ones, and spaces except U+0020. */
const UNPRINTABLE = /[\p{C}\p{Z}]/u;

export const isPrintable = (char: string): boolean => char === ' ' || !UNPRINTABLE.test(char);

export const isIdentifier = (text: string): boolean => /^[\p{ID_Start}_][\p{ID_Continue}]*$/u.test(text);
