/** y[i, :] = x[index[i], :] with rows of `dim`. */
export function gatherRowsRef(x: ArrayLike<number>, index: ArrayLike<number>, dim: number): Float64Array {
  return Float64Array.from(
    { length: index.length * dim },
    (_, i) => x[index[Math.floor(i / dim)]! * dim + (i % dim)]!,
  );
}

/** A copy of x with x[index[i], :] = y[i, :]. */
export function scatterRowsRef(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  index: ArrayLike<number>,
  dim: number,
): Float64Array {
  const out = Float64Array.from(x);
  for (let i = 0; i < index.length * dim; i++) out[index[Math.floor(i / dim)]! * dim + (i % dim)] = y[i]!;
  return out;
}
