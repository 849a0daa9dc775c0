import { Matrix, QrDecomposition, SingularValueDecomposition } from 'ml-matrix';

export { Matrix };

/** Two matrices whose product b · a is, of all of this rank, the nearest to another matrix. */
export interface Factors {
  /** `[rank, inFeatures]`, its rows orthonormal. */
  a: Float32Array<ArrayBuffer>;
  /** `[outFeatures, rank]`, its columns as long as the singular values. */
  b: Float32Array<ArrayBuffer>;
}

/** The nearest of a rank to `matrix` `[outFeatures, inFeatures]`; zeros where it has fewer singular values. */
export function nearestOfRank(matrix: Matrix, rank: number): Factors {
  return factorsOf(new SingularValueDecomposition(matrix, { autoTranspose: true }), rank);
}

/**
 * The nearest of a rank to the product of `b` `[outFeatures, n]` and `a` `[n, inFeatures]`. The product itself, which may
 * be thousands wide, is never made where n is smaller.
 */
export function nearestToProduct(b: Matrix, a: Matrix, rank: number): Factors {
  if (a.rows >= Math.min(b.rows, a.columns)) return nearestOfRank(b.mmul(a), rank);
  const [left, right] = [new QrDecomposition(b), new QrDecomposition(a.transpose())];
  const core = left.upperTriangularMatrix.mmul(right.upperTriangularMatrix.transpose());
  const svd = new SingularValueDecomposition(core);
  return factorsOf(
    {
      leftSingularVectors: left.orthogonalMatrix.mmul(svd.leftSingularVectors),
      rightSingularVectors: right.orthogonalMatrix.mmul(svd.rightSingularVectors),
      diagonal: svd.diagonal,
    },
    rank,
  );
}

function factorsOf(
  {
    leftSingularVectors: left,
    rightSingularVectors: right,
    diagonal,
  }: Pick<SingularValueDecomposition, 'leftSingularVectors' | 'rightSingularVectors' | 'diagonal'>,
  rank: number,
): Factors {
  const a = new Float32Array(rank * right.rows);
  const b = new Float32Array(left.rows * rank);
  for (let k = 0; k < Math.min(rank, diagonal.length); k++) {
    for (let col = 0; col < right.rows; col++) a[k * right.rows + col] = right.get(col, k);
    for (let row = 0; row < left.rows; row++) b[row * rank + k] = left.get(row, k) * diagonal[k]!;
  }
  return { a, b };
}
