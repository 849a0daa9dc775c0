import { tester } from './codePoints.ts';
import { unnormalized } from './unicode.ts';

export type NormalForm = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

let isUnknown: ((codePoint: number) => boolean) | null = null;

/**
 * `text` in a Unicode normal form. The normalization library of Rust's `tokenizers` has the data of Unicode 10:
 * characters unknown to it stay unchanged, and nothing is reordered or composed across them.
 */
export function normalForm(text: string, form: NormalForm): string {
  return cut(text)
    .map((part, i) => (i % 2 === 0 ? part.normalize(form) : part))
    .join('');
}

/** The parts of a text in alternation: known characters (possibly none), one unknown character, known ones, … */
function cut(text: string): string[] {
  // NFC changes nothing before U+0300, but NFKC changes U+00A0 and NFD U+00C0, so there is no simpler test.
  isUnknown ??= tester(unnormalized());
  const parts: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x300) continue;
    const codePoint = text.codePointAt(i)!;
    const size = codePoint > 0xffff ? 2 : 1;
    if (isUnknown(codePoint)) {
      parts.push(text.slice(start, i), text.slice(i, i + size));
      start = i + size;
    }
    i += size - 1;
  }
  parts.push(text.slice(start));
  return parts;
}

/**
 * The characters of a normal form and their alignment with the text, as {@link TrackedText.transform} takes them: a
 * decomposition is the character itself and new ones; a composition replaces its first part and removes the others.
 */
export function normalFormChanges(text: string, form: NormalForm): { chars: string[]; changes: number[] } {
  const chars: string[] = [];
  const changes: number[] = [];
  for (const [i, part] of cut(text).entries()) {
    if (i % 2 === 1) {
      chars.push(part);
      changes.push(0);
    } else if (part !== '') {
      const made = partChanges(part, form);
      for (const char of made.chars) chars.push(char);
      for (const change of made.changes) changes.push(change);
    }
  }
  return { chars, changes };
}

function partChanges(text: string, form: NormalForm): { chars: string[]; changes: number[] } {
  const decomposed = form === 'NFC' || form === 'NFD' ? 'NFD' : 'NFKD';
  // In the text's order; the normal form reorders marks, but equal characters never swap.
  const parts: { char: string; change: number; used: boolean }[] = [];
  for (const char of text) {
    let change = 0;
    for (const part of char.normalize(decomposed)) {
      parts.push({ char: part, change, used: false });
      change = 1;
    }
  }
  let first = 0;
  const take = (char: string): number => {
    while (parts[first]?.used) first++;
    for (let i = first; i < parts.length; i++) {
      const part = parts[i]!;
      if (part.used || part.char !== char) continue;
      part.used = true;
      return part.change;
    }
    return 0;
  };
  const chars = Array.from(text.normalize(form));
  const changes = chars.map((char) => {
    const sources = Array.from(char.normalize(decomposed));
    return sources.reduce((sum, source) => sum + take(source), 0) - (sources.length - 1);
  });
  return { chars, changes };
}
