/** Rows of `weight` [vocab, cols] at `tokens`: y [tokens.length, cols]. */
export function embeddingRef(
  weight: ArrayLike<number>,
  tokens: ArrayLike<number>,
  cols: number,
): Float64Array {
  const y = new Float64Array(tokens.length * cols);
  for (let t = 0; t < tokens.length; t++) {
    for (let i = 0; i < cols; i++) y[t * cols + i] = weight[tokens[t]! * cols + i]!;
  }
  return y;
}

/** The gradient [vocab, cols] of `embeddingRef` in f64. */
export function embeddingBackwardRef(
  dy: ArrayLike<number>,
  tokens: ArrayLike<number>,
  vocab: number,
  cols: number,
): Float64Array {
  const dw = new Float64Array(vocab * cols);
  for (let t = 0; t < tokens.length; t++) {
    for (let c = 0; c < cols; c++) dw[tokens[t]! * cols + c]! += dy[t * cols + c]!;
  }
  return dw;
}
