/** Llama 3's scaling of RoPE, as config.json has it. */
export interface Llama3Scaling {
  rope_type: 'llama3';
  factor: number;
  low_freq_factor: number;
  high_freq_factor: number;
  original_max_position_embeddings: number;
}

/**
 * What GGUF stores of Llama 3's scaling: for each pair of a head the number its frequency is divided by, f32 (llama.cpp's
 * `LlamaModel.generate_extra_tensors`).
 */
export function llama3Factors(
  scaling: Llama3Scaling,
  theta: number,
  pairs: number,
): Float32Array<ArrayBuffer> {
  const { factor, low_freq_factor: low, high_freq_factor: high } = scaling;
  const context = scaling.original_max_position_embeddings;
  return Float32Array.from({ length: pairs }, (_, i) => {
    // In f32 as PyTorch computes them there.
    const frequency = Math.fround(1 / Math.fround(theta ** Math.fround((2 * i) / (2 * pairs))));
    const wavelength = (2 * Math.PI) / frequency;
    if (wavelength < context / high) return 1;
    if (wavelength > context / low) return factor;
    const smooth = (context / wavelength - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}

/** The original context lengths and factor pairs of Llama 3.x and what is made from it. */
const CONTEXTS = [8192, 4096, 16_384, 32_768, 65_536, 131_072];
const BOUNDS = [
  [1, 4],
  [1, 2],
  [1, 32],
] as const;

/**
 * The scaling that some factors come from; null where none of the usual ones does. Only the factors are in a file, not what
 * they were made with.
 */
export function findLlama3Scaling(factors: Float32Array, theta: number): Llama3Scaling | null {
  const factor = factors.reduce((most, value) => Math.max(most, value), 1);
  for (const original of CONTEXTS) {
    for (const [low, high] of BOUNDS) {
      const scaling: Llama3Scaling = {
        rope_type: 'llama3',
        factor,
        low_freq_factor: low,
        high_freq_factor: high,
        original_max_position_embeddings: original,
      };
      const made = llama3Factors(scaling, theta, factors.length);
      if (made.every((value, i) => Math.abs(value - factors[i]!) <= 1e-4 * value)) return scaling;
    }
  }
  return null;
}
