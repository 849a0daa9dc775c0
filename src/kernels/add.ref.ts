/** y + x in f64. */
export function addRef(x: ArrayLike<number>, y: ArrayLike<number>): Float64Array {
  return Float64Array.from(y, (v, i) => v + x[i]!);
}

/** y [rows, n] with bias [n] added to every row, in f64. */
export function biasAddRef(y: ArrayLike<number>, bias: ArrayLike<number>): Float64Array {
  return Float64Array.from(y, (v, i) => v + bias[i % bias.length]!);
}
