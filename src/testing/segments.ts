/** Of packed rows of these lengths: the first token of each token's segment, and one past its last. */
export function segmentsOf(lengths: readonly number[]): {
  segmentStart: Uint32Array<ArrayBuffer>;
  segmentEnd: Uint32Array<ArrayBuffer>;
} {
  const starts: number[] = [];
  const ends: number[] = [];
  for (const length of lengths) {
    const start = starts.length;
    for (let i = 0; i < length; i++) {
      starts.push(start);
      ends.push(start + length);
    }
  }
  return { segmentStart: Uint32Array.from(starts), segmentEnd: Uint32Array.from(ends) };
}
