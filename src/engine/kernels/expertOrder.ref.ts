/** `sortByExpert` in plain loops. */
export function sortByExpertRef(chosen: readonly number[], experts: number, top: number) {
  const pairs = chosen.map((_, pair) => pair).sort((x, y) => chosen[x]! - chosen[y]! || x - y);
  const places = new Array<number>(pairs.length);
  pairs.forEach((pair, place) => (places[pair] = place));
  const starts = Array.from({ length: experts + 1 }, (_, e) => chosen.filter((other) => other < e).length);
  return { starts, pairs, places, tokens: pairs.map((pair) => Math.floor(pair / top)) };
}

/** `sumPlaces` in f64. */
export function sumPlacesRef(
  x: ArrayLike<number>,
  places: readonly number[],
  { rows, dim, top }: { rows: number; dim: number; top: number },
): Float64Array {
  const y = new Float64Array(rows * dim);
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < top; j++) {
      for (let i = 0; i < dim; i++) y[row * dim + i]! += x[places[row * top + j]! * dim + i]!;
    }
  }
  return y;
}
