/** RMSNorm in plain loops and f64: y [rows, dim], rstd [rows]; `weight` [dim] is its whole factor. */
export function rmsNormRef(x: ArrayLike<number>, weight: ArrayLike<number>, rows: number, eps: number) {
  const dim = weight.length;
  const y = new Float64Array(rows * dim);
  const rstd = new Float64Array(rows);
  for (let t = 0; t < rows; t++) {
    let squares = 0;
    for (let i = 0; i < dim; i++) squares += x[t * dim + i]! ** 2;
    rstd[t] = 1 / Math.sqrt(squares / dim + eps);
    for (let i = 0; i < dim; i++) y[t * dim + i] = x[t * dim + i]! * rstd[t]! * weight[i]!;
  }
  return { y, rstd };
}

/** d loss/d x of RMSNorm with a frozen weight: dx [rows, dim]. */
export function rmsNormBackwardRef(
  dy: ArrayLike<number>,
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  rows: number,
  eps: number,
) {
  const dim = weight.length;
  const { rstd } = rmsNormRef(x, weight, rows, eps);
  const dx = new Float64Array(rows * dim);
  for (let t = 0; t < rows; t++) {
    const r = rstd[t]!;
    let dot = 0;
    for (let i = 0; i < dim; i++) dot += dy[t * dim + i]! * weight[i]! * x[t * dim + i]!;
    for (let i = 0; i < dim; i++) {
      const at = t * dim + i;
      dx[at] = r * (dy[at]! * weight[i]! - (x[at]! * r * r * dot) / dim);
    }
  }
  return dx;
}
