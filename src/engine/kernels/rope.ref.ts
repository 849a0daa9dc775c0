/** How heads turn, on the CPU; by default pairs (i, i + pairs). */
export interface RotationRef {
  /** Radians per position of each pair that turns; what is behind them in a head does not. */
  inverseFrequencies: ArrayLike<number>;
  magnitude?: number;
  interleaved?: boolean;
  reversed?: boolean;
}

/**
 * RoPE in plain loops and f64 on x [T, H, D].
 * @param inverse its transpose, which turns gradients back
 */
export function ropeRef(
  x: ArrayLike<number>,
  positions: ArrayLike<number>,
  { inverseFrequencies, magnitude = 1, interleaved = false, reversed = false }: RotationRef,
  heads: number,
  inverse = false,
) {
  const pairs = inverseFrequencies.length;
  const headDim = x.length / positions.length / heads;
  const y = Float64Array.from(x);
  for (let t = 0; t < positions.length; t++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < pairs; i++) {
        const angle = positions[t]! * inverseFrequencies[i]! * (inverse !== reversed ? -1 : 1);
        const start = (t * heads + h) * headDim;
        const first = start + (interleaved ? 2 * i : i);
        const second = interleaved ? first + 1 : first + pairs;
        const [a, b] = [magnitude * x[first]!, magnitude * x[second]!];
        y[first] = a * Math.cos(angle) - b * Math.sin(angle);
        y[second] = b * Math.cos(angle) + a * Math.sin(angle);
      }
    }
  }
  return y;
}

/** What q is multiplied by at a position (Llama 4). */
export function queryScaleRef(
  position: number,
  { beta, context }: { beta: number; context: number },
): number {
  return 1 + beta * Math.log(1 + Math.floor(position / context));
}
