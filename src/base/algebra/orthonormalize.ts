/**
 * Makes vectors of one length orthonormal, in place, by Gram-Schmidt, twice for precision: each loses what it shares with
 * those before it. One that was zero stays zero.
 */
export function orthonormalize(vectors: readonly Float64Array[]): void {
  vectors.forEach((vector, index) => {
    for (let round = 0; round < 2; round++) {
      for (let k = 0; k < index; k++) {
        const earlier = vectors[k]!;
        const product = dot(earlier, vector);
        for (let i = 0; i < vector.length; i++) vector[i]! -= product * earlier[i]!;
      }
    }
    const length = Math.sqrt(dot(vector, vector));
    if (length > 0) for (let i = 0; i < vector.length; i++) vector[i]! /= length;
  });
}

function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * y[i]!;
  return sum;
}
