import { unitsAt } from './trackedText.ts';

/** Consecutive parts of a text, flat: [start, end, 1 if it matched else 0] each. */
export type Parts = number[];

export type Behavior = (typeof BEHAVIORS)[number];
export const BEHAVIORS = [
  'Removed',
  'Isolated',
  'MergedWithPrevious',
  'MergedWithNext',
  'Contiguous',
] as const;

/** The matches of a global pattern in `text`, flat as [start, end) each, as the crate `onig` finds them. */
export function matchesOf(regex: RegExp, text: string): number[] {
  const found: number[] = [];
  // An empty text has no matches.
  if (text === '') return found;
  let lastEnd = -1;
  regex.lastIndex = 0;
  while (regex.lastIndex <= text.length) {
    const match = regex.exec(text);
    if (!match) break;
    const start = match.index;
    const end = start + match[0].length;
    // V8 finds empty matches between the halves of a surrogate pair.
    if (start === end && isInside(text, start)) {
      regex.lastIndex = start + 1;
      continue;
    }
    // An empty match right after another match doesn't count.
    if (start === end && start === lastEnd) {
      regex.lastIndex = end + (end < text.length ? unitsAt(text, end) : 1);
      continue;
    }
    found.push(start, end);
    lastEnd = end;
    regex.lastIndex = end;
  }
  return found;
}

function isInside(text: string, at: number): boolean {
  return at > 0 && at < text.length && unitsAt(text, at - 1) === 2;
}

/** Splits `text` at the matches of a pattern. */
export function partsByPattern(regex: RegExp, text: string): Parts {
  const parts: Parts = [];
  let at = 0;
  const matches = matchesOf(regex, text);
  for (let i = 0; i < matches.length; i += 2) {
    const start = matches[i]!;
    const end = matches[i + 1]!;
    if (at !== start) parts.push(at, start, 0);
    parts.push(start, end, 1);
    at = end;
  }
  if (at !== text.length) parts.push(at, text.length, 0);
  return parts;
}

/** Splits `text` at characters; each that `isMatch` is a separate match. */
export function partsByChar(isMatch: (codePoint: number) => boolean, text: string): Parts {
  const parts: Parts = [];
  let at = 0;
  for (let i = 0; i < text.length;) {
    const codePoint = text.codePointAt(i)!;
    const next = i + (codePoint > 0xffff ? 2 : 1);
    if (isMatch(codePoint)) {
      if (at < i) parts.push(at, i, 0);
      parts.push(i, next, 1);
      at = next;
    }
    i = next;
  }
  if (at < text.length) parts.push(at, text.length, 0);
  return parts;
}

/** The ranges that a split's behavior selects from the parts, flat as [start, end) each; empty ones are omitted. */
export function selectRanges(parts: Parts, behavior: Behavior, invert: boolean): number[] {
  const flag = invert ? 1 : 0;
  const selected: number[] = [];
  if (behavior === 'Isolated' || behavior === 'Removed') {
    for (let i = 0; i < parts.length; i += 3) {
      if (behavior === 'Removed' && (parts[i + 2]! ^ flag) === 1) continue;
      selected.push(parts[i]!, parts[i + 1]!);
    }
    return withoutEmpty(selected);
  }
  let previous = 0;
  if (behavior === 'MergedWithNext') {
    for (let i = parts.length - 3; i >= 0; i -= 3) {
      const isMatch = parts[i + 2]! ^ flag;
      if (isMatch === 1 && previous === 0 && selected.length > 0) selected[selected.length - 1] = parts[i]!;
      else selected.push(parts[i + 1]!, parts[i]!);
      previous = isMatch;
    }
    return withoutEmpty(selected.reverse());
  }
  for (let i = 0; i < parts.length; i += 3) {
    const isMatch = parts[i + 2]! ^ flag;
    const joins = behavior === 'Contiguous' ? isMatch === previous : isMatch === 1 && previous === 0;
    if (joins && selected.length > 0) selected[selected.length - 1] = parts[i + 1]!;
    else selected.push(parts[i]!, parts[i + 1]!);
    previous = isMatch;
  }
  return withoutEmpty(selected);
}

function withoutEmpty(ranges: number[]): number[] {
  for (let i = 0; i < ranges.length; i += 2) {
    if (ranges[i] === ranges[i + 1]) return ranges.filter((_, k) => ranges[k & ~1] !== ranges[k | 1]);
  }
  return ranges;
}
