/** residual + scale · x in f64. */
export function addScaledRef(
  x: ArrayLike<number>,
  scale: number,
  residual: ArrayLike<number> | null = null,
): Float64Array {
  return Float64Array.from(x, (value, i) => (residual?.[i] ?? 0) + scale * value);
}
