import type { MatmulLayout } from './matmulVariants.ts';

/** a · w in plain loops and f64: [m, n]. Operands are stored as in `matmul`. */
export function matmulRef(
  layout: MatmulLayout,
  a: ArrayLike<number>,
  w: ArrayLike<number>,
  m: number,
  n: number,
  k: number,
): Float64Array {
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let d = 0; d < k; d++) {
        const left = layout === 'TN' ? a[d * m + i]! : a[i * k + d]!;
        const right = layout === 'NT' ? w[j * k + d]! : w[d * n + j]!;
        sum += left * right;
      }
      c[i * n + j] = sum;
    }
  }
  return c;
}
