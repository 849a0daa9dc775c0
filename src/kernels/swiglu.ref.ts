const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** silu(gate) · up in f64. */
export function swigluRef(gate: ArrayLike<number>, up: ArrayLike<number>): Float64Array {
  return Float64Array.from(gate, (g, i) => g * sigmoid(g) * up[i]!);
}

/** The gradients of `swigluRef` for dh. */
export function swigluBackwardRef(dh: ArrayLike<number>, gate: ArrayLike<number>, up: ArrayLike<number>) {
  const dGate = Float64Array.from(gate, (g, i) => dh[i]! * up[i]! * sigmoid(g) * (1 + g * sigmoid(-g)));
  const dUp = Float64Array.from(gate, (g, i) => dh[i]! * g * sigmoid(g));
  return { dGate, dUp };
}
