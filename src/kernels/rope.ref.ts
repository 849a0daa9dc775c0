/** RoPE in plain loops and f64 on x [T, H, D] with f [D/2] radians a position; `inverse` turns back. */
export function ropeRef(
  x: ArrayLike<number>,
  positions: ArrayLike<number>,
  inverseFrequencies: ArrayLike<number>,
  heads: number,
  inverse = false,
) {
  const half = inverseFrequencies.length;
  const y = new Float64Array(x.length);
  for (let t = 0; t < positions.length; t++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < half; i++) {
        const angle = positions[t]! * inverseFrequencies[i]! * (inverse ? -1 : 1);
        const first = (t * heads + h) * 2 * half + i;
        const [a, b] = [x[first]!, x[first + half]!];
        y[first] = a * Math.cos(angle) - b * Math.sin(angle);
        y[first + half] = b * Math.cos(angle) + a * Math.sin(angle);
      }
    }
  }
  return y;
}
