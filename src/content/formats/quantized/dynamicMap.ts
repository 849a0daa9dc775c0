/** Decades of the map: 10⁻⁶ to 1. */
const decades = 7;

/**
 * bitsandbytes' 8-bit dynamic map f32 [256], in ascending order and equal to `create_dynamic_map(signed)` to the bit
 * (functional.py, 0.50): a logarithmic scale, each decade cut into twice as many values as the one below.
 * Signed is the map of Adam's first moment and of nested absmax, unsigned that of Adam's second moment.
 */
export function dynamicMap(signed: boolean): Float32Array<ArrayBuffer> {
  const values = [0, 1];
  for (let decade = 0; decade < decades; decade++) {
    const edges = linspace(2 ** (signed ? decade : decade + 1) + 1);
    const scale = Math.fround(10 ** (decade - decades + 1));
    for (let i = 1; i < edges.length; i++) {
      const mean = Math.fround(edges[i - 1]! + edges[i]!) / 2;
      const value = Math.fround(scale * mean);
      values.push(value);
      if (signed) values.push(-value);
    }
  }
  return Float32Array.from(values).sort();
}

/**
 * torch.linspace(0.1, 1, steps) in f32, counted from the nearer end, with one rounding as its AVX2 and AVX-512 code
 * does it (fused multiply-add); on older CPUs some values of the library's map differ in the last digit.
 */
function linspace(steps: number): Float32Array {
  const start = Math.fround(0.1);
  const step = Math.fround(Math.fround(1 - start) / (steps - 1));
  // A product of 24 and 8 bits and its sum are exact in f64, so storing is the only rounding.
  return Float32Array.from({ length: steps }, (_, i) =>
    i < Math.floor(steps / 2) ? start + step * i : 1 - step * (steps - i - 1),
  );
}
