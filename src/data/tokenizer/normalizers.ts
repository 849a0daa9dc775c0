import { readCharsmap } from './charsmap.ts';
import type { Fields } from './fields.ts';
import { normalForm, normalFormChanges, type NormalForm } from './forms.ts';
import { byteCharsOf } from './bytes.ts';
import { compileOnig, literalPattern, type OnigPattern } from './onigPattern.ts';
import { matchesOf } from './split.ts';
import type { TrackedText } from './trackedText.ts';
import { isMark, isNonspacingMark, isOther, isWhitespace } from './unicode.ts';

/** One step of a normalizer, on a text alone and on one that tracks where it came from. */
export interface Normalizer {
  plain(text: string): string;
  tracked(text: TrackedText): void;
  /** Whether each UTF-16 unit stays in its place wherever the length does. */
  keepsUnits: boolean;
  /** Whether it runs a pattern of the model's making. */
  hasPattern: boolean;
  /** Whether `plain` may differ from `tracked`, whose alignment an insertion at the beginning upsets. */
  needsTracking: boolean;
}

/** Builds the `normalizer` of tokenizer.json. Throws an Error that names what isn't supported. */
export function readNormalizer(fields: Fields): Normalizer {
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

/** Turns each character into others, the first in its place and the rest new. */
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

/** Character by character, as Rust does it: a final sigma is no other letter. */
const lowercase = perChar((char) => Array.from(char.toLowerCase()));

function mapChars(convert: (char: string) => string): Normalizer {
  return perChar((char) => [convert(char)]);
}

function filter(keep: (codePoint: number) => boolean): Normalizer {
  return {
    ...BASE,
    plain(text) {
      let kept = '';
      for (const char of text) if (keep(char.codePointAt(0)!)) kept += char;
      return kept;
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
    return { start, kept: chars.slice(start, end), changed: start > 0 || end < chars.length };
  };
  return {
    ...BASE,
    plain: (text) => bounds(text).kept.join(''),
    tracked(text) {
      const { start, kept, changed } = bounds(text.text);
      if (changed)
        text.transform(
          kept,
          kept.map(() => 0),
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
    // Patterns that can't match nothing need no care of what stands beside a match.
    plain: matchesEmpty ? plain : (text) => text.replace(regex, () => content),
    tracked: (text) => text.replace(matchesOf(regex, text.text), content),
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

/** The blocks that BertNormalizer sets apart. */
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
