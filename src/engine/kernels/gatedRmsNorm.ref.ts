import { activationRef } from './glu.ref.ts';

/** RMSNorm of each head of x [heads of all tokens, D], times silu(z), in f64. */
export function gatedRmsNormRef(
  x: ArrayLike<number>,
  z: ArrayLike<number>,
  weight: ArrayLike<number>,
  eps: number,
): Float64Array {
  return Float64Array.from(x, (value, i) => {
    const gate = activationRef(z[i]!, 'silu').value;
    return value * rstdOf(x, weight.length, eps, i) * weight[i % weight.length]! * gate;
  });
}

/** The gradients of `gatedRmsNormRef` given dy. */
export function gatedRmsNormBackwardRef(
  x: ArrayLike<number>,
  z: ArrayLike<number>,
  weight: ArrayLike<number>,
  eps: number,
  dy: ArrayLike<number>,
) {
  const d = weight.length;
  const [dx, dz] = [new Float64Array(x.length), new Float64Array(x.length)];
  const dWeight = new Float64Array(d);
  for (let start = 0; start < x.length; start += d) {
    const rstd = rstdOf(x, d, eps, start);
    const gates = Array.from({ length: d }, (_, i) => activationRef(z[start + i]!, 'silu'));
    const g = gates.map((gate, i) => dy[start + i]! * weight[i]! * gate.value);
    const mean = g.reduce((sum, value, i) => sum + value * x[start + i]! * rstd, 0) / d;
    for (let i = 0; i < d; i++) {
      const n = x[start + i]! * rstd;
      dx[start + i] = rstd * (g[i]! - n * mean);
      dz[start + i] = dy[start + i]! * weight[i]! * n * gates[i]!.slope;
      dWeight[i]! += dy[start + i]! * n * gates[i]!.value;
    }
  }
  return { dx, dz, dWeight };
}

function rstdOf(x: ArrayLike<number>, d: number, eps: number, i: number): number {
  const start = i - (i % d);
  let squares = 0;
  for (let j = start; j < start + d; j++) squares += x[j]! * x[j]!;
  return 1 / Math.sqrt(squares / d + eps);
}
