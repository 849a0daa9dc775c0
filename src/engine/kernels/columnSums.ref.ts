/** Σ dy[t, c] · x[t, c] · rstd[t] over rows t, or Σ dy[t, c], in plain loops and f64: [columns]. */
export function columnSumsRef(
  dy: ArrayLike<number>,
  [rows, columns]: readonly [number, number],
  norm: { x: ArrayLike<number>; rstd: ArrayLike<number> } | null = null,
): Float64Array {
  const sums = new Float64Array(columns);
  for (let t = 0; t < rows; t++) {
    for (let c = 0; c < columns; c++) {
      const factor = norm ? norm.x[t * columns + c]! * norm.rstd[t]! : 1;
      sums[c]! += dy[t * columns + c]! * factor;
    }
  }
  return sums;
}
