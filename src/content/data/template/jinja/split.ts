import { spendItems } from './budget.ts';
import { valueError } from './errors.ts';
import { characters, isSpace, join, LINE_END, SPACE_RUN, stripEnd, stripStart } from './text.ts';

/** str.split(separator, most), splitting at whitespace if there is no separator. `most` < 0 means no limit. */
export function split(text: string, separator: string | null, most: number): string[] {
  if (separator === '') throw valueError('empty separator');
  const parts: string[] = [];
  const limit = most < 0 ? Number.POSITIVE_INFINITY : most;
  if (separator !== null) {
    let at = 0;
    for (
      let end = text.indexOf(separator);
      end >= 0 && parts.length < limit;
      end = text.indexOf(separator, at)
    ) {
      spendItems(1);
      parts.push(text.slice(at, end));
      at = end + separator.length;
    }
    return [...parts, text.slice(at)];
  }
  let rest = stripStart(text);
  const spaces = new RegExp(SPACE_RUN);
  let at = 0;
  for (let match = spaces.exec(rest); match && parts.length < limit; match = spaces.exec(rest)) {
    spendItems(1);
    parts.push(rest.slice(at, match.index));
    at = spaces.lastIndex;
  }
  rest = rest.slice(at);
  return rest === '' ? parts : [...parts, rest];
}

/** str.rsplit(separator, most) */
export function splitRight(text: string, separator: string | null, most: number): string[] {
  if (most < 0) return split(text, separator, most);
  if (separator === '') throw valueError('empty separator');
  const parts: string[] = [];
  let end = text.length;
  if (separator !== null) {
    while (parts.length < most) {
      const at = end - separator.length < 0 ? -1 : text.lastIndexOf(separator, end - separator.length);
      if (at < 0) break;
      spendItems(1);
      parts.push(text.slice(at + separator.length, end));
      end = at;
    }
    return [text.slice(0, end), ...parts.reverse()];
  }
  const skip = () => {
    while (end > 0 && isSpace(text.charAt(end - 1))) end--;
  };
  for (skip(); end > 0 && parts.length < most; skip()) {
    let start = end;
    while (start > 0 && !isSpace(text.charAt(start - 1))) start--;
    spendItems(1);
    parts.push(text.slice(start, end));
    end = start;
  }
  const rest = text.slice(0, end);
  return (rest === '' ? parts : [...parts, rest]).reverse();
}

/** str.splitlines(keepends) */
export function splitLines(text: string, keepEnds = false): string[] {
  const lines: string[] = [];
  let at = 0;
  for (const { 0: end, index } of text.matchAll(LINE_END)) {
    spendItems(1);
    lines.push(text.slice(at, keepEnds ? index + end.length : index));
    at = index + end.length;
  }
  if (at < text.length) lines.push(text.slice(at));
  return lines;
}

/** str.strip(chars), or one side of it; strips whitespace if `chars` is null. */
export function strip(text: string, chars: string | null, sides: 'both' | 'left' | 'right' = 'both'): string {
  if (chars === null) {
    const right = sides === 'left' ? text : stripEnd(text);
    return sides === 'right' ? right : stripStart(right);
  }
  const set = new Set(chars);
  const all = characters(text);
  let [start, end] = [0, all.length];
  if (sides !== 'right') while (start < end && set.has(all[start] as string)) start++;
  if (sides !== 'left') while (end > start && set.has(all[end - 1] as string)) end--;
  return join(all.slice(start, end) as string | string[]);
}

/** Replaces the first `most` occurrences of `old`, or all if negative; an empty one matches around every character. */
export function replace(text: string, old: string, by: string, most: number): string {
  const limit = most < 0 ? Number.POSITIVE_INFINITY : most;
  if (old !== '') {
    if (limit === Number.POSITIVE_INFINITY) return text.split(old).join(by);
    const parts = split(text, old, most);
    return parts.join(by);
  }
  let result = '';
  let count = 0;
  for (const char of text) result += (count++ < limit ? by : '') + char;
  return count < limit ? result + by : result;
}
