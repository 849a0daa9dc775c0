/** The range of a text that each of its tokens came from; arrays of [tokens], in UTF-16 units. */
export interface TokenOffsets {
  starts: readonly number[];
  ends: readonly number[];
}

/**
 * The tokens [start, end) that contain any character of [from, to) of their text (UTF-16 offsets); if none does, the
 * empty range after the tokens that end before it.
 */
export function tokenRange(
  { starts, ends }: TokenOffsets,
  from: number,
  to: number,
): [start: number, end: number] {
  let start = 0;
  while (start < ends.length && ends[start]! <= from) start++;
  let end = start;
  while (end < starts.length && starts[end]! < to) end++;
  return [start, end];
}
