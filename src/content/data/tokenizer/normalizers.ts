import { readCharsmap } from './charsmap.ts';
import type { Fields } from './fields.ts';
import { normalForm, normalFormChanges, type NormalForm } from './forms.ts';
import { byteCharsOf } from './bytes.ts';
import { spendGrowth } from './growth.ts';
import { compileOnig, literalPattern, type OnigPattern } from './onigPattern.ts';
import { matchesOf } from './split.ts';
import type { TrackedText } from './trackedText.ts';
import { isMark, isNonspacingMark, isOther, isWhitespace } from './unicode.ts';

/** One step of a normalizer, for plain text and for text that tracks its origin. */
export interface Normalizer {
  plain(text: string): string;
  tracked(text: TrackedText): void;
  /** Whether each UTF-16 unit stays in place if the length does not change. */
  keepsUnits: boolean;
  /** Whether it runs a pattern from the model's files. */
  hasPattern: boolean;
  /** Whether `plain` may differ from `tracked`, whose alignment is upset by an insertion at the start. */
  needsTracking: boolean;
}

/** Builds the `normalizer` of tokenizer.json. Throws an Error that names the unsupported feature. */
export function readNormalizer(fields: Fields): Normalizer {
  const step = readStep(fields);
  return {
    ...step,
    plain(text) {
      const made = step.plain(text);
      // A step counts even where no text is left.
      spendGrowth(1 + made.length);
      return made;
    },
    tracked(text) {
      step.tracked(text);
      spendGrowth(1 + text.text.length);
    },
  };
}

function readStep(fields: Fields): Normalizer {
  switch (fields.type) {
    case 'Sequence':
      return sequence(fields.parts('normalizers').map(readNormalizer));
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
      return form(fields.type);
    case 'Lowercase':
      return lowercase;
    case 'Strip':
      return strip(fields.boolean('strip_left'), fields.boolean('strip_right'));
    case 'StripAccents':
      return filter((codePoint) => !isMark(codePoint));
    case 'Prepend':
      return prepend(fields.string('prepend'));
    case 'Replace':
      return readReplace(fields);
    case 'Nmt':
      return sequence([
        filter((codePoint) => !NMT_REMOVED(codePoint)),
        mapChars((char) => (NMT_SPACE(char) ? ' ' : char)),
      ]);
    case 'Precompiled':
      return precompiled(fields.string('precompiled_charsmap'));
    case 'BertNormalizer':
      return bert(fields);
    case 'ByteLevel':
      return perChar((char) => Array.from(byteCharsOf(char)));
    default:
      return fields.refuse(`the normalizer ${fields.type ?? 'without a type'}`);
  }
}

/** The `pattern` of a Replace or Split: `{"String": …}` or `{"Regex": …}`. */
export function readPattern(fields: Fields, name: string): OnigPattern {
  const pattern = fields.part(name);
  const regex = pattern.maybeString('Regex');
  return regex === null ? literalPattern(pattern.string('String')) : compileOnig(regex);
}

export function isRegex(fields: Fields, name: string): boolean {
  return fields.part(name).maybeString('Regex') !== null;
}

const BASE = { keepsUnits: false, hasPattern: false, needsTracking: false };

function sequence(steps: readonly Normalizer[]): Normalizer {
  return {
    plain: (text) => steps.reduce((before, step) => step.plain(before), text),
    tracked: (text) => steps.forEach((step) => step.tracked(text)),
    keepsUnits: steps.every((step) => step.keepsUnits),
    hasPattern: steps.some((step) => step.hasPattern),
    needsTracking: steps.some((step) => step.needsTracking),
  };
}

function form(name: NormalForm): Normalizer {
  return {
    ...BASE,
    plain: (text) => normalForm(text, name),
    tracked(text) {
      const { chars, changes } = normalFormChanges(text.text, name);
      text.transform(chars, changes);
    },
  };
}

/** Maps each character to others: the first replaces it, the rest are new. */
function perChar(convert: (char: string) => readonly string[]): Normalizer {
  return {
    ...BASE,
    plain(text) {
      let made = '';
      for (const char of text) made += convert(char).join('');
      return made;
    },
    tracked(text) {
      const chars: string[] = [];
      const changes: number[] = [];
      for (const char of text.text) {
        for (const [i, made] of convert(char).entries()) {
          chars.push(made);
          changes.push(i === 0 ? 0 : 1);
        }
      }
      text.transform(chars, changes);
    },
  };
}

/** Character by character, as in Rust: a final sigma is not treated specially. */
const lowercase = perChar((char) => Array.from(char.toLowerCase()));

function mapChars(convert: (char: string) => string): Normalizer {
  return perChar((char) => [convert(char)]);
}

function filter(keep: (codePoint: number) => boolean): Normalizer {
  return {
    ...BASE,
    plain(text) {
      let filtered = '';
      for (const char of text) if (keep(char.codePointAt(0)!)) filtered += char;
      return filtered;
    },
    tracked(text) {
      const chars: string[] = [];
      const changes: number[] = [];
      let removedFirst = 0;
      for (const char of text.text) {
        if (keep(char.codePointAt(0)!)) {
          chars.push(char);
          changes.push(0);
        } else if (chars.length === 0) removedFirst++;
        else changes[changes.length - 1]!--;
      }
      text.transform(chars, changes, removedFirst);
    },
  };
}

function strip(left: boolean, right: boolean): Normalizer {
  const bounds = (text: string) => {
    const chars = Array.from(text);
    const isSpace = (i: number) => isWhitespace(chars[i]!.codePointAt(0)!);
    let start = 0;
    let end = chars.length;
    while (left && start < chars.length && isSpace(start)) start++;
    while (right && end > start && isSpace(end - 1)) end--;
    return { start, stripped: chars.slice(start, end), changed: start > 0 || end < chars.length };
  };
  return {
    ...BASE,
    plain: (text) => bounds(text).stripped.join(''),
    tracked(text) {
      const { start, stripped, changed } = bounds(text.text);
      if (changed)
        text.transform(
          stripped,
          stripped.map(() => 0),
          start,
        );
    },
  };
}

function prepend(content: string): Normalizer {
  return {
    ...BASE,
    plain: (text) => (text === '' ? '' : content + text),
    tracked: (text) => text.prepend(content),
  };
}

function readReplace(fields: Fields): Normalizer {
  const hasPattern = isRegex(fields, 'pattern');
  const content = fields.string('content');
  const replaced = hasPattern ? '' : fields.part('pattern').string('String');
  return {
    ...replace(readPattern(fields, 'pattern'), content),
    hasPattern,
    keepsUnits: replaced.length === 1 && content.length === 1,
  };
}

function replace({ regex, matchesEmpty }: OnigPattern, content: string): Normalizer {
  const plain = (text: string) => {
    const matches = matchesOf(regex, text);
    spendGrowth((matches.length / 2) * content.length);
    let made = '';
    let last = 0;
    for (let i = 0; i < matches.length; i += 2) {
      made += text.slice(last, matches[i]) + content;
      last = matches[i + 1]!;
    }
    return made + text.slice(last);
  };
  return {
    ...BASE,
    needsTracking: matchesEmpty,
    // Patterns that can't match the empty string don't depend on the text around a match.
    plain: matchesEmpty
      ? plain
      : (text) =>
          text.replace(regex, () => {
            spendGrowth(content.length);
            return content;
          }),
    tracked(text) {
      const matches = matchesOf(regex, text.text);
      spendGrowth((matches.length / 2) * content.length);
      text.replace(matches, content);
    },
  };
}

function precompiled(base64: string): Normalizer {
  const charsmap = readCharsmap(base64);
  return {
    ...BASE,
    plain: (text) => charsmap.normalize(text)?.chars.join('') ?? text,
    tracked(text) {
      const made = charsmap.normalize(text.text);
      if (made) text.transform(made.chars, made.changes);
    },
  };
}

function bert(fields: Fields): Normalizer {
  const lower = fields.boolean('lowercase');
  const accents = fields.raw('strip_accents') ?? null;
  const steps: Normalizer[] = [];
  if (fields.boolean('clean_text')) {
    steps.push(
      filter((codePoint) => codePoint !== 0 && codePoint !== 0xfffd && !isOther(codePoint)),
      mapChars((char) => (isWhitespace(char.codePointAt(0)!) ? ' ' : char)),
    );
  }
  if (fields.boolean('handle_chinese_chars')) {
    steps.push(perChar((char) => (isIdeograph(char.codePointAt(0)!) ? [' ', char, ' '] : [char])));
  }
  if (accents === null ? lower : fields.boolean('strip_accents')) {
    steps.push(
      form('NFD'),
      filter((codePoint) => !isNonspacingMark(codePoint)),
    );
  }
  if (lower) steps.push(lowercase);
  return sequence(steps);
}

/** The blocks that BertNormalizer separates. */
function isIdeograph(c: number): boolean {
  return (
    (c >= 0x4e00 && c <= 0x9fff) ||
    (c >= 0x3400 && c <= 0x4dbf) ||
    (c >= 0x20000 && c <= 0x2a6df) ||
    (c >= 0x2a700 && c <= 0x2b81f) ||
    (c >= 0x2b920 && c <= 0x2ceaf) ||
    (c >= 0xf900 && c <= 0xfaff) ||
    (c >= 0x2f800 && c <= 0x2fa1f)
  );
}

function NMT_REMOVED(c: number): boolean {
  return (c >= 1 && c <= 8) || c === 0xb || (c >= 0xe && c <= 0x1f) || c === 0x7f || c === 0x8f || c === 0x9f;
}

function NMT_SPACE(char: string): boolean {
  return /^[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]$/.test(char);
}
