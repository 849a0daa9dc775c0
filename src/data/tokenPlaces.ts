/**
 * Where each token of a list stands, sorted by token: token i of `tokens` [unique] is at places[starts[i]] …
 * places[starts[i + 1] − 1], in ascending order.
 */
export function placesOfTokens(ids: Uint32Array): {
  tokens: Uint32Array;
  starts: Uint32Array;
  places: Uint32Array;
} {
  // Sorting is stable: equal tokens stay in the order of their places.
  const places = Uint32Array.from(ids, (_, i) => i).sort((a, b) => ids[a]! - ids[b]! || a - b);
  const tokens: number[] = [];
  const starts: number[] = [];
  places.forEach((place, i) => {
    if (tokens.at(-1) === ids[place]) return;
    tokens.push(ids[place]!);
    starts.push(i);
  });
  starts.push(places.length);
  return { tokens: Uint32Array.from(tokens), starts: Uint32Array.from(starts), places };
}
