/**
 * Positions grouped by token: `tokens` [unique] is ascending, and token i occurs at positions[starts[i]] …
 * positions[starts[i + 1] − 1], in ascending order.
 */
export function positionsByToken(ids: Uint32Array): {
  tokens: Uint32Array;
  starts: Uint32Array;
  positions: Uint32Array;
} {
  // Sorting is stable: equal tokens stay in the order of their positions.
  const positions = Uint32Array.from(ids, (_, i) => i).sort((a, b) => ids[a]! - ids[b]! || a - b);
  const tokens: number[] = [];
  const starts: number[] = [];
  positions.forEach((position, i) => {
    if (tokens.at(-1) === ids[position]) return;
    tokens.push(ids[position]!);
    starts.push(i);
  });
  starts.push(positions.length);
  return { tokens: Uint32Array.from(tokens), starts: Uint32Array.from(starts), positions };
}
