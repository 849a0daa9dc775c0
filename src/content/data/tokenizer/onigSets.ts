import { complement, difference, span, union, EVERY, type CodePoints } from './codePoints.ts';
import {
  alphabetic,
  category,
  graphChars,
  lowercase,
  script,
  uppercase,
  WHITE_SPACE,
  wordChars,
} from './unicode.ts';

/** `\w` outside of brackets: also ², ³, ¹, ¼, ½, ¾, a quirk of Oniguruma with UTF-8. */
export const bareWord = (): CodePoints =>
  union(wordChars(), span(0xb2, 0xb3), span(0xb9, 0xb9), span(0xbc, 0xbe));

const HEX = union(span(0x30, 0x39), span(0x41, 0x46), span(0x61, 0x66));
const tab = span(9, 9);

/** Names of POSIX brackets, most of which are also properties. */
const POSIX: Readonly<Record<string, () => CodePoints>> = {
  alnum: () => union(alphabetic(), category('Nd')!),
  alpha: alphabetic,
  ascii: () => span(0, 0x7f),
  blank: () => union(category('Zs')!, tab),
  cntrl: () => category('Cc')!,
  digit: () => category('Nd')!,
  graph: graphChars,
  lower: lowercase,
  print: () => union(graphChars(), category('Zs')!),
  punct: () => union(category('P')!, category('S')!),
  space: () => WHITE_SPACE,
  upper: uppercase,
  word: wordChars,
  xdigit: () => HEX,
};

/** General categories by their long names, in lower case without underscores. */
const LONG_NAMES: Readonly<Record<string, string>> = {
  letter: 'L',
  casedletter: 'LC',
  uppercaseletter: 'Lu',
  lowercaseletter: 'Ll',
  titlecaseletter: 'Lt',
  modifierletter: 'Lm',
  otherletter: 'Lo',
  mark: 'M',
  combiningmark: 'M',
  nonspacingmark: 'Mn',
  spacingmark: 'Mc',
  enclosingmark: 'Me',
  number: 'N',
  decimalnumber: 'Nd',
  letternumber: 'Nl',
  othernumber: 'No',
  punctuation: 'P',
  connectorpunctuation: 'Pc',
  dashpunctuation: 'Pd',
  openpunctuation: 'Ps',
  closepunctuation: 'Pe',
  initialpunctuation: 'Pi',
  finalpunctuation: 'Pf',
  otherpunctuation: 'Po',
  symbol: 'S',
  mathsymbol: 'Sm',
  currencysymbol: 'Sc',
  modifiersymbol: 'Sk',
  othersymbol: 'So',
  separator: 'Z',
  spaceseparator: 'Zs',
  lineseparator: 'Zl',
  paragraphseparator: 'Zp',
  other: 'C',
  control: 'Cc',
  format: 'Cf',
  surrogate: 'Cs',
  privateuse: 'Co',
  unassigned: 'Cn',
};

/** Script names whose JavaScript spelling is not Xxxx_Xxxx. */
const SCRIPT_SPELLINGS: Readonly<Record<string, string>> = {
  nko: 'Nko',
  phagspa: 'Phags_Pa',
  signwriting: 'SignWriting',
  qaai: 'Inherited',
  zinh: 'Inherited',
  zyyy: 'Common',
};

/** The set of `[:name:]`; null if there is no such bracket. */
export function posixSet(name: string): CodePoints | null {
  return Object.hasOwn(POSIX, name) ? POSIX[name]!() : null;
}

/** The set of `\p{name}` (ignoring case, spaces, `-` and `_`); null for an unknown name. */
export function propertySet(name: string): CodePoints | null {
  const key = name.toLowerCase().replace(/[\s_-]/g, '');
  if (key === 'any') return EVERY;
  if (key === 'assigned') return complement(category('Cn')!);
  if (key === 'alphabetic') return alphabetic();
  if (key === 'uppercase') return uppercase();
  if (key === 'lowercase') return lowercase();
  if (key === 'whitespace') return WHITE_SPACE;
  // \p{Punct} is the category; [[:punct:]] includes symbols.
  if (key === 'punct') return category('P');
  const posix = posixSet(key);
  if (posix) return posix;
  const short = key.length <= 2 ? `${key[0]?.toUpperCase() ?? ''}${key.slice(1)}` : LONG_NAMES[key];
  const set = short === undefined || short === '' ? null : category(key === 'lc' ? 'LC' : short);
  if (set) return set;
  return scriptSet(name, key);
}

function scriptSet(name: string, key: string): CodePoints | null {
  if (!/^[A-Za-z][A-Za-z _-]*$/.test(name)) return null;
  const title = name
    .split(/[ _-]+/)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase())
    .join('_');
  return script(SCRIPT_SPELLINGS[key] ?? title);
}

const CASED_ASCII = union(span(0x41, 0x5a), span(0x61, 0x7a));

/**
 * `set` closed under case folding of its ASCII letters: `k` also matches the Kelvin sign, `s` the long s. Null if it
 * has other cased letters: those may fold to several characters, which isn't supported.
 */
export function foldSet(set: CodePoints): CodePoints | null {
  const folded = [set];
  for (let i = 0; i < set.length; i += 2) {
    for (let at = set[i]!; at < Math.min(set[i + 1]!, 0x7f); at++) folded.push(foldLetter(at));
  }
  const others = difference(set, span(0, 0x7f));
  for (let i = 0; i < others.length; i += 2) {
    for (let at = others[i]!; at < others[i + 1]!; at++) if (hasCase(at)) return null;
  }
  return union(...folded);
}

/** A character with its case variants; null as for {@link foldSet}. */
export function foldChar(codePoint: number): CodePoints | null {
  if (codePoint < 0x80) return foldLetter(codePoint);
  return hasCase(codePoint) ? null : [codePoint, codePoint + 1];
}

function foldLetter(codePoint: number): CodePoints {
  const own = span(codePoint, codePoint);
  if (
    !CASED_ASCII.some(
      (_, i) => i % 2 === 0 && codePoint >= CASED_ASCII[i]! && codePoint < CASED_ASCII[i + 1]!,
    )
  ) {
    return own;
  }
  const other = codePoint ^ 0x20;
  const letter = codePoint | 0x20;
  const more = letter === 0x6b ? span(0x212a, 0x212a) : letter === 0x73 ? span(0x17f, 0x17f) : [];
  return union(own, span(other, other), more);
}

function hasCase(codePoint: number): boolean {
  const char = String.fromCodePoint(codePoint);
  // Marks that end a multi-character folding, such as J with caron, count as well.
  return char.toLowerCase() !== char || char.toUpperCase() !== char || FOLDING_MARKS.includes(codePoint);
}

const FOLDING_MARKS = [0x307, 0x308, 0x30a, 0x30c, 0x331, 0x2be, 0x345];

/** Pairs of letters that a ligature or ß matches ignoring case. */
export const FOLDING_PAIRS: readonly string[] = ['ss', 'ff', 'fi', 'fl', 'st'];
