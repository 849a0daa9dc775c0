import { sigmoid } from './glu.ref.ts';

/** o · sigmoid(gate) in f64, elementwise. */
export function outputGateRef(o: ArrayLike<number>, gate: ArrayLike<number>): Float64Array {
  return Float64Array.from(o, (value, i) => value * sigmoid(gate[i]!));
}

/** The gradients of `outputGateRef` given dy. */
export function outputGateBackwardRef(o: ArrayLike<number>, gate: ArrayLike<number>, dy: ArrayLike<number>) {
  const s = Array.from(gate, sigmoid);
  return {
    dO: Float64Array.from(s, (value, i) => dy[i]! * value),
    dGate: Float64Array.from(s, (value, i) => dy[i]! * o[i]! * value * (1 - value)),
  };
}
