/** Which range of a text each of its tokens came from, [tokens] each, in UTF-16 units. */
export interface TokenPlaces {
  starts: readonly number[];
  ends: readonly number[];
}

/**
 * The tokens [start, end) that hold any character of [from, to) of their text (UTF-16 offsets); where none does, the
 * empty range behind those that end before.
 */
export function tokenRange(
  { starts, ends }: TokenPlaces,
  from: number,
  to: number,
): [start: number, end: number] {
  let start = 0;
  while (start < ends.length && ends[start]! <= from) start++;
  let end = start;
  while (end < starts.length && starts[end]! < to) end++;
  return [start, end];
}
