import type { Tokenizer } from './tokenizer.ts';

/** Which range of a text each of its tokens came from, [tokens] each, in UTF-16 units. */
export interface TokenPlaces {
  starts: readonly number[];
  ends: readonly number[];
}

/**
 * Where each token of `ids`, which are those of `text` without special tokens added, comes from. Null when they are
 * not: made of pieces that were encoded apart, say.
 */
export function tokenEnds(tokenizer: Tokenizer, text: string, ids: readonly number[]): TokenPlaces | null {
  const { ids: own, starts, ends } = tokenizer.encodeWithOffsets(text, { addSpecialTokens: false });
  if (own.length !== ids.length || own.some((id, i) => id !== ids[i])) return null;
  return { starts, ends };
}

/**
 * The tokens [start, end) of `ids` that hold any character of text[from, to) (UTF-16 offsets). Without places
 * ({@link tokenEnds}) the text up to each border is encoded and compared.
 */
export function tokenRange(
  tokenizer: Tokenizer,
  text: string,
  ids: readonly number[],
  places: TokenPlaces | null,
  from: number,
  to: number,
): [start: number, end: number] {
  if (places) return placedRange(places, from, to);
  const start = commonPrefix(tokenizer.encode(text.slice(0, from), { addSpecialTokens: false }), ids);
  if (to >= text.length) return [start, ids.length];
  const upTo = tokenizer.encode(text.slice(0, to), { addSpecialTokens: false });
  const common = commonPrefix(upTo, ids);
  // A token that reaches over the border holds the span's last characters too.
  return [start, common < upTo.length ? Math.min(common + 1, ids.length) : common];
}

/** The tokens that hold any of [from, to); where none does, the empty range behind those that end before. */
function placedRange({ starts, ends }: TokenPlaces, from: number, to: number): [start: number, end: number] {
  let start = 0;
  while (start < ends.length && ends[start]! <= from) start++;
  let end = start;
  while (end < starts.length && starts[end]! < to) end++;
  return [start, end];
}

function commonPrefix(a: readonly number[], b: readonly number[]): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}
