/** A set of code points: ascending, disjoint ranges [start, end), flat. */
export type CodePoints = readonly number[];

const LIMIT = 0x110000;

export const EVERY: CodePoints = [0, LIMIT];
export const NONE: CodePoints = [];

/** The set of the characters of `text`. */
export function charsOf(text: string): CodePoints {
  return union(...Array.from(text, (char) => one(char.codePointAt(0)!)));
}

export function one(codePoint: number): CodePoints {
  return [codePoint, codePoint + 1];
}

/** From `first` to `last`, inclusive. */
export function span(first: number, last: number): CodePoints {
  return [first, last + 1];
}

export function union(...sets: readonly CodePoints[]): CodePoints {
  const ranges: [number, number][] = [];
  for (const set of sets) for (let i = 0; i < set.length; i += 2) ranges.push([set[i]!, set[i + 1]!]);
  ranges.sort((a, b) => a[0] - b[0]);
  const joined: number[] = [];
  for (const [start, end] of ranges) {
    const last = joined.length - 1;
    if (last > 0 && start <= joined[last]!) joined[last] = Math.max(joined[last]!, end);
    else joined.push(start, end);
  }
  return joined;
}

export function complement(set: CodePoints): CodePoints {
  const borders = [0, ...set, LIMIT];
  const ranges: number[] = [];
  for (let i = 0; i < borders.length; i += 2) {
    if (borders[i]! < borders[i + 1]!) ranges.push(borders[i]!, borders[i + 1]!);
  }
  return ranges;
}

export function intersection(a: CodePoints, b: CodePoints): CodePoints {
  return complement(union(complement(a), complement(b)));
}

export function difference(a: CodePoints, b: CodePoints): CodePoints {
  return intersection(a, complement(b));
}

export function contains(set: CodePoints, codePoint: number): boolean {
  let low = 0;
  let high = set.length;
  // Inside a range, the number of boundaries at or below the code point is odd.
  while (low < high) {
    const middle = (low + high) >> 1;
    if (set[middle]! <= codePoint) low = middle + 1;
    else high = middle;
  }
  return (low & 1) === 1;
}

/** A fast test for single code points below U+10000. */
export function tester(set: CodePoints): (codePoint: number) => boolean {
  const low = new Uint8Array(0x10000);
  for (let i = 0; i < set.length; i += 2)
    low.fill(1, Math.min(set[i]!, 0x10000), Math.min(set[i + 1]!, 0x10000));
  return (codePoint) => (codePoint < 0x10000 ? low[codePoint] === 1 : contains(set, codePoint));
}

/** A character class of a JavaScript regular expression with the flag `u`. */
export function classSource(set: CodePoints): string {
  if (set.length === 0) return '[]';
  const inverse = complement(set);
  if (inverse.length === 0) return String.raw`[\s\S]`;
  return inverse.length < set.length ? `[^${rangesSource(inverse)}]` : `[${rangesSource(set)}]`;
}

function rangesSource(set: CodePoints): string {
  let source = '';
  for (let i = 0; i < set.length; i += 2) {
    const [first, last] = [set[i]!, set[i + 1]! - 1];
    source += escape(first);
    if (last > first) source += (last > first + 1 ? '-' : '') + escape(last);
  }
  return source;
}

function escape(codePoint: number): string {
  return String.raw`\u{${codePoint.toString(16)}}`;
}

/** Reads a set in the encoding of unicodeTables.ts. */
export function parseRanges(encoded: string): CodePoints {
  const set: number[] = [];
  let at = 0;
  for (const range of encoded.split(' ')) {
    const [skip = '', more = '0'] = range.split('-');
    const start = at + Number.parseInt(skip, 36);
    at = start + Number.parseInt(more, 36) + 1;
    set.push(start, at);
  }
  return set;
}
