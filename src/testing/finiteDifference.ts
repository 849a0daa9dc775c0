/** Central difference d f/d x[i] in f64. */
export function finiteDifference(
  f: (x: ArrayLike<number>) => number,
  x: ArrayLike<number>,
  i: number,
  h = 1e-4,
): number {
  const at = Float64Array.from(x);
  at[i] = x[i]! + h;
  const up = f(at);
  at[i] = x[i]! - h;
  return (up - f(at)) / (2 * h);
}
