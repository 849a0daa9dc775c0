import { byteCharsOf } from './bytes.ts';
import type { Fields } from './fields.ts';
import { spendGrowth } from './growth.ts';
import { isRegex, readPattern } from './normalizers.ts';
import { compileOnig, type OnigPattern } from './onigPattern.ts';
import { BEHAVIORS, selectRanges, partsByChar, partsByPattern, type Behavior, type Parts } from './split.ts';
import type { TrackedText } from './trackedText.ts';
import { isNumeric, isPunctuation, isWhitespace, oldScriptOf, WHITE_SPACE, wordChars } from './unicode.ts';
import { classSource, complement, span, union } from './codePoints.ts';

/** One step that splits text into words, for plain texts and for ones that track their origin. */
export interface PreTokenizer {
  /** Splits words further. `atStart`: the first word starts the original text. */
  plain(words: string[], atStart: boolean): string[];
  tracked(words: TrackedText[]): TrackedText[];
  /** The last step maps bytes to GPT-2's characters; its `plain` leaves that to the model, which may cache words. */
  byteLevel: boolean;
  /** Whether `plain` is correct only on text unchanged by a normalizer or an earlier step. */
  needsOrigin: boolean;
  /** Whether only `tracked` is correct. */
  needsTracking: boolean;
  hasPattern: boolean;
}

const BASE = { byteLevel: false, needsOrigin: false, needsTracking: false, hasPattern: false };

/**
 * Builds the `pre_tokenizer` of tokenizer.json. `defersBytes`: the model takes raw words from a final ByteLevel. Throws
 * an Error that names the unsupported feature.
 */
export function readPreTokenizer(fields: Fields, defersBytes: boolean): PreTokenizer {
  switch (fields.type) {
    case 'Sequence': {
      const steps = fields.parts('pretokenizers');
      return sequence(steps.map((step, i) => readPreTokenizer(step, defersBytes && i === steps.length - 1)));
    }
    case 'ByteLevel':
      fields.boolean('trim_offsets');
      return byteLevel(fields.boolean('add_prefix_space'), fields.boolean('use_regex', true), defersBytes);
    case 'Split':
      return patternSplit(
        readPattern(fields, 'pattern'),
        fields.oneOf('behavior', BEHAVIORS),
        fields.boolean('invert'),
        isRegex(fields, 'pattern'),
      );
    case 'Digits':
      return charSplit(isNumeric, fields.boolean('individual_digits') ? 'Isolated' : 'Contiguous');
    case 'Metaspace':
      return metaspace(fields);
    case 'Whitespace':
      return patternSplit(WORDS(), 'Removed', true, false);
    case 'WhitespaceSplit':
      return charSplit(isWhitespace, 'Removed');
    case 'Punctuation':
      return charSplit(isPunctuation, fields.oneOf('behavior', BEHAVIORS, 'Isolated'));
    case 'BertPreTokenizer':
      return sequence([charSplit(isWhitespace, 'Removed'), charSplit(isPunctuation, 'Isolated')]);
    case 'CharDelimiterSplit':
    case 'Delimiter': {
      const delimiter = fields.char('delimiter').codePointAt(0);
      return charSplit((codePoint) => codePoint === delimiter, 'Removed');
    }
    case 'UnicodeScripts':
      return cutter(scriptRanges);
    case 'FixedLength':
      return fixedLength(fields.count('length', 5) || fields.fail('length', 'above 0'));
    default:
      return fields.refuse(`the pre-tokenizer ${fields.type ?? 'without a type'}`);
  }
}

function sequence(steps: readonly PreTokenizer[]): PreTokenizer {
  return {
    plain: (words, atStart) => steps.reduce((before, step) => step.plain(before, atStart), words),
    tracked: (words) => steps.reduce((before, step) => step.tracked(before), words),
    byteLevel: steps.at(-1)?.byteLevel ?? false,
    needsOrigin: steps.some((step) => step.needsOrigin),
    needsTracking: steps.some((step, i) => step.needsTracking || (i > 0 && step.needsOrigin)),
    hasPattern: steps.some((step) => step.hasPattern),
  };
}

/** A step that selects ranges of each word. */
function cutter(rangesOf: (text: string) => number[], hasPattern = false): PreTokenizer {
  return {
    ...BASE,
    hasPattern,
    plain(words) {
      const pieces: string[] = [];
      for (const word of words) {
        const ranges = rangesOf(word);
        for (let i = 0; i < ranges.length; i += 2) pieces.push(word.slice(ranges[i], ranges[i + 1]));
      }
      return pieces;
    },
    tracked: (words) => words.flatMap((word) => cutTracked(word, rangesOf(word.text))),
  };
}

function cutTracked(word: TrackedText, ranges: readonly number[]): TrackedText[] {
  const pieces: TrackedText[] = [];
  for (let i = 0; i < ranges.length; i += 2) pieces.push(word.slice(ranges[i]!, ranges[i + 1]!));
  return pieces;
}

function charSplit(isMatch: (codePoint: number) => boolean, behavior: Behavior): PreTokenizer {
  return cutter((text) => selectRanges(partsByChar(isMatch, text), behavior, false));
}

function patternSplit(
  { regex, matchesEmpty }: OnigPattern,
  behavior: Behavior,
  invert: boolean,
  hasPattern: boolean,
): PreTokenizer {
  const parts = (text: string): Parts => partsByPattern(regex, text);
  const cut = cutter((text) => selectRanges(parts(text), behavior, invert), hasPattern);
  if (behavior !== 'Isolated' || matchesEmpty) return cut;
  return { ...cut, plain: (words) => isolate(regex, words, cut) };
}

/** A split into matches and the text between. If the matches cover everything, they are the words. */
function isolate(regex: RegExp, words: string[], cut: PreTokenizer): string[] {
  let pieces: string[] | null = null;
  for (const word of words) {
    regex.lastIndex = 0;
    const matches = word.match(regex);
    let found: string[];
    if (!matches) found = [word];
    else {
      let covered = 0;
      for (const match of matches) covered += match.length;
      found = covered === word.length ? matches : cut.plain([word], false);
    }
    if (pieces === null && words.length === 1) return found;
    pieces ??= [];
    for (const part of found) pieces.push(part);
  }
  return pieces ?? [];
}

/** `\w+|[^\w\s]+` of Rust's `regex`, whose word characters include joiners. */
function WORDS(): OnigPattern {
  const word = union(wordChars(), span(0x200c, 0x200d));
  const other = complement(union(word, WHITE_SPACE));
  return { regex: new RegExp(`${classSource(word)}+|${classSource(other)}+`, 'gu'), matchesEmpty: false };
}

/** GPT-2's pattern, used by ByteLevel with `use_regex`. */
const GPT2_WORDS = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;
let gpt2Words: OnigPattern | null = null;

function byteLevel(addPrefixSpace: boolean, useRegex: boolean, defersBytes: boolean): PreTokenizer {
  gpt2Words ??= compileOnig(GPT2_WORDS);
  const cut = useRegex ? patternSplit(gpt2Words, 'Isolated', false, false) : null;
  return {
    ...BASE,
    byteLevel: defersBytes,
    plain(words, atStart) {
      const spaced = addPrefixSpace ? words.map((word) => (word.startsWith(' ') ? word : ` ${word}`)) : words;
      const pieces = cut ? cut.plain(spaced, atStart) : spaced;
      return defersBytes ? pieces : pieces.map(counted);
    },
    tracked(words) {
      for (const word of words) if (addPrefixSpace && !word.text.startsWith(' ')) word.prepend(' ');
      const pieces = cut ? cut.tracked(words) : words;
      for (const word of pieces) {
        const chars: string[] = [];
        const changes: number[] = [];
        for (const char of word.text) {
          for (const [i, byte] of Array.from(byteCharsOf(char)).entries()) {
            chars.push(byte);
            changes.push(i === 0 ? 0 : 1);
          }
        }
        spendGrowth(chars.length);
        word.transform(chars, changes);
      }
      return pieces;
    },
  };
}

/** A word as GPT-2's characters for its bytes: up to three for each unit, and again for every further such step. */
function counted(word: string): string {
  const made = byteCharsOf(word);
  spendGrowth(made.length);
  return made;
}

function metaspace(fields: Fields): PreTokenizer {
  const mark = fields.char('replacement');
  const scheme = readPrependScheme(fields);
  const splits = fields.boolean('split', true);
  const isMark = (codePoint: number) => codePoint === mark.codePointAt(0);
  const cut = charSplit(isMark, 'MergedWithNext');
  return {
    ...BASE,
    needsOrigin: scheme === 'first',
    plain(words, atStart) {
      const marked = words.map((word, i) => {
        const text = word.replaceAll(' ', mark);
        const prepends = scheme === 'always' || (scheme === 'first' && atStart && i === 0);
        return prepends && !text.startsWith(mark) ? mark + text : text;
      });
      return splits ? cut.plain(marked, atStart) : marked;
    },
    tracked(words) {
      for (const word of words) {
        const spaces: number[] = [];
        for (let at = word.text.indexOf(' '); at >= 0; at = word.text.indexOf(' ', at + 1))
          spaces.push(at, at + 1);
        word.replace(spaces, mark);
        const prepends = scheme === 'always' || (scheme === 'first' && word.origin === 0);
        if (prepends && !word.text.startsWith(mark)) word.prepend(mark);
      }
      return splits ? cut.tracked(words) : words;
    },
  };
}

export type PrependScheme = 'first' | 'always' | 'never';

/** A Metaspace's scheme; older files have `add_prefix_space`. */
export function readPrependScheme(fields: Fields): PrependScheme {
  const scheme = fields.oneOf('prepend_scheme', ['first', 'always', 'never'] as const, 'always');
  if (fields.raw('add_prefix_space') !== false) return scheme;
  const isStated = fields.raw('prepend_scheme') !== undefined;
  if (scheme !== 'never' && isStated)
    fields.fail('add_prefix_space', `what prepend_scheme "${scheme}" means`);
  return 'never';
}

function fixedLength(length: number): PreTokenizer {
  return cutter((text) => {
    const ranges: number[] = [];
    let start = 0;
    let count = 0;
    let at = 0;
    for (const char of text) {
      at += char.length;
      if (++count % length === 0) {
        ranges.push(start, at);
        start = at;
      }
    }
    if (start < text.length) ranges.push(start, text.length);
    return ranges;
  });
}

/** Splits where the script changes; spaces and unknown characters belong to what precedes them, kana to Han. */
function scriptRanges(text: string): number[] {
  const borders: number[] = [];
  let last: string | null = null;
  let at = 0;
  for (const char of text) {
    const script = scriptOf(char);
    // If a text starts with a space, everything before the first script is lost, as in Rust's library.
    if (script !== null && script !== last) borders.push(at);
    if (script !== null) last = script;
    at += char.length;
  }
  return borders.flatMap((border, i) => [border, borders[i + 1] ?? text.length]);
}

function scriptOf(char: string): string | null {
  if (char === 'ー') return 'Han';
  if (char === ' ') return null;
  const script = oldScriptOf(char.codePointAt(0)!);
  return script === 'Hiragana' || script === 'Katakana' ? 'Han' : script;
}
