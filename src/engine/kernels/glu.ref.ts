import type { Activation } from './glu.ts';

/** σ(x) in f64. */
export const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** The integral of the normal distribution up to x, to about 1e-15: its series, or its continued fraction far out. */
function normalBelow(x: number): number {
  const z = Math.abs(x);
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  if (z < 6) {
    let [term, sum] = [z, z];
    for (let n = 1; n < 200; n++) {
      term *= (z * z) / (2 * n + 1);
      sum += term;
    }
    const half = density * sum;
    return x < 0 ? 0.5 - half : 0.5 + half;
  }
  let fraction = z;
  for (let n = 60; n > 0; n--) fraction = z + n / fraction;
  return x < 0 ? density / fraction : 1 - density / fraction;
}

/** An activation and its derivative in f64. */
export function activationRef(x: number, activation: Activation): { value: number; slope: number } {
  switch (activation) {
    case 'silu': {
      const s = sigmoid(x);
      return { value: x * s, slope: s * (1 + x * sigmoid(-x)) };
    }
    case 'gelu': {
      const below = normalBelow(x);
      const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
      return { value: x * below, slope: below + (density === 0 ? 0 : x * density) };
    }
    case 'gelu_tanh': {
      const c = Math.sqrt(2 / Math.PI);
      const t = Math.tanh(c * (x + 0.044715 * x ** 3));
      const inner = 1 - t * t;
      const slope = 0.5 * (1 + t) + (inner === 0 ? 0 : 0.5 * x * inner * c * (1 + 0.134145 * x * x));
      return { value: 0.5 * x * (1 + t), slope };
    }
    case 'relu':
      return { value: Math.max(x, 0), slope: x > 0 ? 1 : 0 };
    case 'relu2':
      return { value: Math.max(x, 0) ** 2, slope: 2 * Math.max(x, 0) };
  }
}

/** act(gate) · up in f64; without a gate act(up). */
export function gluRef(
  gate: ArrayLike<number> | null,
  up: ArrayLike<number>,
  activation: Activation = 'silu',
): Float64Array {
  const act = (x: number) => activationRef(x, activation).value;
  return Float64Array.from(up, (u, i) => (gate ? act(gate[i]!) * u : act(u)));
}

/** The gradients of `gluRef` given dh; without a gate there is none of it. */
export function gluBackwardRef(
  dh: ArrayLike<number>,
  gate: ArrayLike<number> | null,
  up: ArrayLike<number>,
  activation: Activation = 'silu',
) {
  const act = (x: number) => activationRef(x, activation);
  const dGate = gate && Float64Array.from(gate, (g, i) => dh[i]! * up[i]! * act(g).slope);
  const dUp = Float64Array.from(up, (u, i) => dh[i]! * (gate ? act(gate[i]!).value : act(u).slope));
  return { dGate, dUp };
}
